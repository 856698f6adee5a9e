// Attention as pictures: how many, how large, and what black and white are.
#include "tasks/objective/epoch_events.h"

#include <zlib.h>

#include "tests/support/event_files.h"

using namespace test;

namespace {

// The rows of pixels of a grey PNG without filters.
std::string pixels_of(const std::string& png, size_t width, size_t height) {
  const size_t at = png.find("IDAT") + 4, end = png.find("IEND") - 8;
  std::string rows((width + 1) * height, '\0');
  uLongf size = rows.size();
  REQUIRE(uncompress(reinterpret_cast<Bytef*>(rows.data()), &size, reinterpret_cast<const Bytef*>(png.data() + at),
                     uLong(end - at)) == Z_OK);
  return rows;
}

}  // namespace

TEST_CASE("epoch events: a head is a picture, a number a square, 1 is black and 0 is white") {
  const attribution::AttentionMap map{2, 2, 2, {1, 0, 0.5, 0.5, 0, 1, 1, 0}};
  const std::string value = objective::picture_of("attention/0", map).text();
  CHECK(field_at(value, {1}).bytes == "attention/0");
  const EventValue v{"", "", "", field_at(value, {8}).bytes};
  const std::vector<std::string> strings = v.strings();
  REQUIRE(strings.size() == 4);
  CHECK(strings[0] == "512");
  CHECK(strings[1] == "512");
  const std::string rows = pixels_of(strings[2], 512, 512);
  const auto at = [&](size_t x, size_t y) { return int(static_cast<unsigned char>(rows[y * 513 + 1 + x])); };
  CHECK(at(0, 0) == 0);
  CHECK(at(255, 255) == 0);
  CHECK(at(256, 0) == 255);
  CHECK(at(0, 256) == 128);
  CHECK(at(511, 511) == 128);
  CHECK(strings[2] != strings[3]);
}

TEST_CASE("epoch events: of a long text the first tokens are drawn, of a head's own query one row") {
  attribution::AttentionMap map{1, 1, 100, std::vector<real>(100, real(0.01))};
  const EventValue v{"", "", "", field_at(objective::picture_of("x", map).text(), {8}).bytes};
  CHECK(v.strings()[0] == "512");  // 64 tokens of 8 pixels
  CHECK(v.strings()[1] == "8");
}
