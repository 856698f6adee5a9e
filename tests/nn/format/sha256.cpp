// SHA-256 against the standard's examples (FIPS 180-4).
#include "nn/format/sha256.h"
#include "tests/support/support.h"

TEST_CASE("sha256: the standard's examples, in one piece and in many") {
  CHECK(nn::sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(nn::sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(nn::sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  nn::Sha256 million;
  for (int i = 0; i < 8000; ++i) million.add(std::string(125, 'a'));
  CHECK(million.hex() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  std::string text;  // with and without the processor's instructions, around every end of a block
  for (int length = 0; length < 200; ++length, text += char(17 * length)) {
    nn::Sha256 portable(false);
    portable.add(text);
    CHECK(portable.hex() == nn::sha256_hex(text));
  }
}
