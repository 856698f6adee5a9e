// The file format: exact bytes, exact round trips, and every way in which a file can lie.
#include "nn/format/safetensors.h"

#include <limits>

#include "tests/support/support.h"

using namespace test;

namespace {

std::string with_header(const std::string& header, const std::string& data) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), 8) + header + data;
}

std::string entry(const std::string& name, const std::string& shape, int begin, int end,
                  const std::string& type = "F32") {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})", name, type, shape, begin, end);
}

}  // namespace

TEST_CASE("safetensors: writes the published example byte for byte") {
  const TemporaryDirectory dir;
  Tensor a({2}, {1, -2});
  nn::save_safetensors(dir.path + "/a", {a.named("a")});
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   )";
  const std::string size("\x58\0\0\0\0\0\0\0", 8), values("\0\0\x80\x3f\0\0\0\xc0", 8);
  CHECK(nn::read_file(dir.path + "/a") == size + header + values);
  const nn::SafeTensors file(dir.path + "/a");
  CHECK(file.metadata().at("format") == "pt");
  CHECK(file.read("a").to_vector() == std::vector<real>{1, -2});
}

TEST_CASE("safetensors: what is saved is what is read, with scalars, empty tensors and infinities") {
  const TemporaryDirectory dir;
  std::vector<Tensor> tensors{Tensor::scalar(real(2.5)).named("b"), Tensor::zeros({0, 3}).named("c"),
                              Tensor({2, 2}, {1, -INFINITY, INFINITY, real(-0.0)}).named("a")};
  nn::save_safetensors(dir.path + "/x", tensors, {{"note", "ünïcode"}});
  const nn::SafeTensors file(dir.path + "/x");
  CHECK(file.entries().size() == 3);
  CHECK(file.metadata().at("note") == "ünïcode");
  for (const Tensor& t : tensors) {
    CHECK(file.read(t.name()).shape() == t.shape());
    CHECK(file.read(t.name()).to_vector() == t.to_vector());
  }
}

TEST_CASE("safetensors: F16, BF16 and F64 become real numbers, all of them right") {
  const TemporaryDirectory dir;
  const uint16_t half[] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x8000, 0x0400, 0x3555};
  const uint16_t brain[] = {0x3f80, 0xc000, 0x7f80, 0x0001};
  const double wide[] = {0.1};
  std::string data(reinterpret_cast<const char*>(half), 16);
  data += std::string(reinterpret_cast<const char*>(brain), 8) + std::string(reinterpret_cast<const char*>(wide), 8);
  const std::string header = "{" + entry("h", "[8]", 0, 16, "F16") + "," + entry("b", "[4]", 16, 24, "BF16") + "," +
                             entry("d", "[]", 24, 32, "F64") + "}";
  const nn::SafeTensors file(dir.write("x", with_header(header, data)));
  const std::vector<real> h = file.read("h").to_vector(), b = file.read("b").to_vector();
  CHECK(h[0] == 1);
  CHECK(h[1] == -2);
  CHECK(h[2] == real(0x1p-24));
  CHECK(h[3] == 65504);
  CHECK(h[4] == INFINITY);
  CHECK(std::signbit(h[5]));
  CHECK(h[6] == real(0x1p-14));
  CHECK(h[7] == doctest::Approx(1.0 / 3).epsilon(1e-3));
  CHECK(b[0] == 1);
  CHECK(b[1] == -2);
  CHECK(b[2] == INFINITY);
  CHECK(file.read("d").item() == real(0.1));
  CHECK(error_of([&] { file.read_ints("h"); }).find("integers are needed") != std::string::npos);
}

TEST_CASE("safetensors: whole numbers of 64 bits are read where they have room in 32, and else refused") {
  const TemporaryDirectory dir;
  const int64_t wide[] = {-(1LL << 31), 1LL << 31};
  const std::string data(reinterpret_cast<const char*>(wide), 16);
  const std::string header = "{" + entry("a", "[1]", 0, 8, "I64") + "," + entry("b", "[1]", 8, 16, "I64") + "}";
  const nn::SafeTensors file(dir.write("x", with_header(header, data)));
  CHECK(file.read_ints("a") == std::vector<int>{std::numeric_limits<int>::min()});
  CHECK(error_of([&] { file.read_ints("b"); }).ends_with("tensor 'b' holds 2147483648, which is beyond 32 bits"));
}

TEST_CASE("safetensors: as F16 every number becomes the nearest of half precision, ties to even, or is refused") {
  const TemporaryDirectory dir;
  const std::vector<std::pair<double, double>> stored{{1, 1},
                                                      {1 + 0x1p-11, 1},               // half way: the even fraction
                                                      {1 + 3 * 0x1p-11, 1 + 0x1p-9},  // half way, upwards
                                                      {-1 - 0x1p-11 - 0x1p-20, -1 - 0x1p-10},
                                                      {2047.4, 2047},
                                                      {65519, 65504},
                                                      {0x1p-14, 0x1p-14},
                                                      {0x1p-24, 0x1p-24},
                                                      {0x1p-25, 0},  // below 2^-14 in steps of 2^-24
                                                      {3 * 0x1p-25, 0x1p-23},
                                                      {-0x1.8p-15, -0x1.8p-15},
                                                      {INFINITY, INFINITY},
                                                      {-INFINITY, -INFINITY}};
  std::vector<real> values;
  for (const auto& pair : stored) values.push_back(real(pair.first));
  values.push_back(NAN);
  const Tensor t = Tensor({long(values.size())}, values).named("t");
  nn::save_safetensors(dir.path + "/x", {t}, {}, nn::Stored::f16);
  const nn::SafeTensors file(dir.path + "/x");
  CHECK(file.entry("t").dtype == "F16");
  const std::vector<real> got = file.read("t").to_vector();
  for (size_t i = 0; i < stored.size(); ++i) CHECK_MESSAGE(got[i] == real(stored[i].second), stored[i].first);
  CHECK(std::isnan(got.back()));
  const auto save = [&](real x) {
    return error_of(
        [&] { nn::save_safetensors(dir.path + "/y", {Tensor::full({1}, x).named("t")}, {}, nn::Stored::f16); });
  };
  CHECK(save(65520).find("beyond half precision") != std::string::npos);
  CHECK(save(-1e6).find("beyond half precision") != std::string::npos);
}

TEST_CASE("safetensors: a tensor of any type of whole bytes may lie beside those that are read") {
  const TemporaryDirectory dir;
  for (const auto& [type, size] : std::vector<std::pair<std::string, int>>{{"C64", 8},
                                                                           {"F8_E8M0", 1},
                                                                           {"F8_E4M3FNUZ", 1},
                                                                           {"F8_E5M2FNUZ", 1},
                                                                           {"F8_E4M3", 1},
                                                                           {"BOOL", 1},
                                                                           {"U64", 8}}) {
    const std::string path =
        dir.write("x", with_header("{" + entry("a", "[2]", 0, 8) + "," + entry("b", "[3]", 8, 8 + 3 * size, type) + "}",
                                   std::string(8 + 3 * size, '\0')));
    CHECK(nn::SafeTensors(path).read("a").shape() == Shape{2});
  }
}

TEST_CASE("safetensors: a file that lies is refused with one line that says how") {
  const TemporaryDirectory dir;
  const std::string eight(8, '\0');
  const auto refused = [&](const std::string& bytes, const std::string& why) {
    const std::string path = dir.write("x", bytes);
    const std::string message = error_of([&] { nn::SafeTensors file(path); });
    CHECK_MESSAGE(message.find(why) != std::string::npos, why, " -- got: ", message);
    CHECK(message.find('\n') == std::string::npos);
  };
  refused("", "too few");
  refused("abc", "too few");
  refused(std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8), "header would have");
  refused(with_header("{}", "").substr(0, 9), "truncated");
  refused(with_header("[]", ""), "must be a JSON object");
  refused(with_header("{\"a\"", ""), "the header: not JSON");
  refused(with_header("{\"\xff\":1}", ""), "the header: not JSON");
  refused(with_header("{" + entry("a", "[2]", 0, 8) + "}", eight.substr(1)), "truncated");
  refused(with_header("{" + entry("a", "[2]", 0, 8) + "}", eight + "x"), "something after them");
  refused(with_header("{" + entry("a", "[2]", 0, 8) + "," + entry("b", "[2]", 0, 8) + "}", eight), "overlap");
  refused(with_header("{" + entry("a", "[2]", 0, 8) + "," + entry("b", "[1]", 12, 16) + "}", eight + eight), "hole");
  refused(with_header("{" + entry("a", "[2]", 0, 8) + "," + entry("a", "[2]", 0, 8) + "}", eight), "twice");
  refused(with_header("{" + entry("a", "[3]", 0, 8) + "}", eight), "12 bytes by its shape");
  refused(with_header("{" + entry("a", "[-1]", 0, 8) + "}", eight), "size -1 in its shape");
  refused(with_header("{" + entry("a", "[4294967296,4294967296]", 0, 8) + "}", eight), "too many elements");
  refused(with_header("{" + entry("a", "[2]", 8, 0) + "}", eight), "offsets 8 to 0");
  refused(with_header("{" + entry("a", "[2]", 0, 8, "F31") + "}", eight), "unknown type 'F31'");
  refused(with_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", eight), "data_offsets");
  refused(with_header("{\"__metadata__\":{\"a\":1}}", ""), "is not a string");
  CHECK(error_of([&] { nn::SafeTensors file(dir.path + "/none"); }).find("no such file") != std::string::npos);
  CHECK(error_of([&] { nn::SafeTensors file(dir.path); }).find("not a regular file") != std::string::npos);
}

TEST_CASE("safetensors: a save that fails leaves the old file and no part of a new one") {
  const TemporaryDirectory dir;
  nn::write_file(dir.path + "/x", "old");
  CHECK(error_of([&] {
          nn::write_file(dir.path + "/x", [](const nn::Write& write) {
            write("new", 3);
            fail("the disk is full");
          });
        }) == "the disk is full");
  CHECK(nn::read_file(dir.path + "/x") == "old");
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path), std::filesystem::directory_iterator{}) == 1);
  CHECK(error_of([&] { nn::write_file(dir.path + "/none/x", "y"); }).find("cannot be written") != std::string::npos);
}
