// PNG: grey pictures, as small as zlib makes them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace events {

// A PNG file (ISO/IEC 15948) of 8 bits a pixel: signature, IHDR, IDAT, IEND; rows from the top, none of them filtered.
//   pixels [height][width], 0 black, 255 white.    Error: no pixel, or not width x height of them
std::string grey_png(long width, long height, const std::vector<uint8_t>& pixels);

}  // namespace events
