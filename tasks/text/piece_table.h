// PieceTable: where the strings of a vocabulary are looked up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace text {

// The strings of a vocabulary and their ids: one flat table with open addressing, looked up by any piece of a text.
class PieceTable {
 public:
  void reserve(std::size_t pieces);           // call first, with the number of pieces to come
  bool insert(std::string_view key, int id);  // false when the key is there already
  int find(std::string_view key) const;       // -1 when it is not
  std::size_t longest() const { return longest_; }

 private:
  struct Slot {
    std::uint32_t hash;
    int id;                       // -1: free
    std::uint32_t begin, length;  // of the key, in bytes_
  };
  static std::uint32_t hash_of(std::string_view key);
  std::size_t slot_of(std::string_view key, std::uint32_t hash) const;

  std::string bytes_;        // every key, end to end
  std::vector<Slot> slots_;  // a power of two, at most half full
  std::size_t longest_ = 0;
};

}  // namespace text
