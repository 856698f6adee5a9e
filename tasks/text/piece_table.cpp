// Open addressing with linear probing. Read tasks/text/wordpiece.h for what is looked up.
#include "tasks/text/piece_table.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace text {

void PieceTable::reserve(std::size_t pieces) { slots_.assign(std::bit_ceil(2 * pieces + 1), Slot{0, -1, 0, 0}); }

// The slot that holds the key, or the free one where it would stand.
std::size_t PieceTable::slot_of(std::string_view key, std::uint32_t hash) const {
  std::size_t at = hash & (slots_.size() - 1);
  for (;; at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.id < 0) return at;
    if (slot.hash == hash && std::string_view(bytes_).substr(slot.begin, slot.length) == key) return at;
  }
}

std::uint32_t PieceTable::hash_of(std::string_view key) { return std::uint32_t(std::hash<std::string_view>()(key)); }

bool PieceTable::insert(std::string_view key, int id) {
  const std::uint32_t hash = hash_of(key);
  Slot& slot = slots_[slot_of(key, hash)];
  if (slot.id >= 0) return false;
  slot = {hash, id, std::uint32_t(bytes_.size()), std::uint32_t(key.size())};
  bytes_ += key;
  longest_ = std::max(longest_, key.size());
  return true;
}

int PieceTable::find(std::string_view key) const { return slots_[slot_of(key, hash_of(key))].id; }

}  // namespace text
