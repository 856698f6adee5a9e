// Checksums, records, pictures and directories of event files.
#include "tasks/events/writer.h"

#include <zlib.h>

#include "tasks/events/png.h"
#include "tasks/events/summary.h"
#include "tests/support/event_files.h"

namespace test {
namespace {

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

}  // namespace

TEST_CASE("events: CRC-32C, masked and plain, gives the published values at every length") {
  CHECK(events::crc32c(std::string(32, '\0')) == 0x8a9136aau);
  CHECK(events::crc32c("123456789") == 0xe3069283u);
  CHECK(events::masked_crc32c("\x1a\x11"
                              "CRC test, one two") == 0x5794d08au);
  const std::string text = "what eight bytes at a time say, one at a time says as well";
  for (size_t n = 0; n <= text.size(); ++n) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; ++i) {
      crc ^= static_cast<unsigned char>(text[i]);
      for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0u);
    }
    CHECK(events::crc32c(text.substr(0, n)) == ~crc);
  }
}

TEST_CASE("events: the first record of a file, bit for bit") {
  CHECK(hex(events::record(events::version_event(1.0, ""))) ==
        "1800000000000000a37f4b2209000000000000f03f1a0d627261696e2e4576656e743a3286bf577a");
}

TEST_CASE("events: a picture is a PNG file with its pixels and good checksums") {
  const std::vector<uint8_t> pixels{0, 255, 7, 8, 9, 10};
  const std::string png = events::grey_png(3, 2, pixels);
  REQUIRE(png.substr(0, 8) == "\x89PNG\r\n\x1a\n");
  std::string kinds, packed;
  for (size_t at = 8; at < png.size();) {
    const auto u32 = [&](size_t from) {
      uint32_t value = 0;
      for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(png[from + i]);
      return value;
    };
    const size_t length = u32(at);
    const std::string body = png.substr(at + 4, 4 + length);
    CHECK(u32(at + 8 + length) == crc32(0, reinterpret_cast<const Bytef*>(body.data()), uInt(body.size())));
    kinds += body.substr(0, 4) + " ";
    if (body.starts_with("IHDR")) {
      CHECK(u32(at + 8) == 3);
      CHECK(u32(at + 12) == 2);
      CHECK(hex(body.substr(12)) == "0800000000");
    }
    if (body.starts_with("IDAT")) packed = body.substr(4);
    at += 12 + length;
  }
  CHECK(kinds == "IHDR IDAT IEND ");
  std::string rows(8, '\0');
  uLongf size = rows.size();
  REQUIRE(uncompress(reinterpret_cast<Bytef*>(rows.data()), &size, reinterpret_cast<const Bytef*>(packed.data()),
                     uLong(packed.size())) == Z_OK);
  CHECK(hex(rows) == "0000ff070008090a");
  CHECK_THROWS_AS(events::grey_png(2, 2, pixels), Error);
}

TEST_CASE("events: histograms leave out what is no number") {
  const float values[] = {1, NAN, 2, INFINITY, 3};
  const std::vector<events::Bin> bins = events::bins_of(values, 5, 2);
  CHECK(bins[0].left == 1);
  CHECK(bins[0].count + bins[1].count == 3);
  CHECK(bins[1].right == 3);
}

TEST_CASE("events: a restart takes back what another file says from its step on, and later files sort later") {
  const TemporaryDirectory dir;
  const std::string place = dir.path + "/a/b";
  {
    events::Writer first(place);
    for (long step = 1; step <= 4; ++step) first.add(step, {events::scalar("loss", float(step))});
    first.flush();
    events::Writer second(place);
    CHECK(first.path() < second.path());
    second.restart(3);
    second.add(3, {events::scalar("loss", 30)});
    second.flush();
  }
  CHECK(shown_scalars(place)["loss"] == std::map<long, float>{{1, 1}, {2, 2}, {3, 30}});
}

TEST_CASE("events: a directory that cannot be written is one clear line") {
  const TemporaryDirectory dir;
  const std::string file = dir.write("file", "");
  const auto said = [](const std::string& place) {
    try {
      events::Writer writer(place);
    } catch (const Error& e) { return std::string(e.what()); }
    return std::string();
  };
  CHECK(said(file + "/events").find(file + "/events: cannot be written: ") == 0);
  CHECK(said("/proc/events").find("/proc/events: cannot be written: ") == 0);
}

}  // namespace test
