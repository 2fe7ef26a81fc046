#pragma once

#include <cstdint>
#include <string_view>

namespace lab {

/// CRC-32 as zlib, PNG and Ethernet compute it (IEEE 802.3). Notices every burst of errors up to 32 bits.
/// `tail` counts as if it followed `bytes`.
std::uint32_t crc32(std::string_view bytes, std::string_view tail = {});

}  // namespace lab
