#include "results/store/checksum.hpp"

#include <boost/crc.hpp>

namespace lab {

std::uint32_t crc32(std::string_view bytes, std::string_view tail) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  crc.process_bytes(tail.data(), tail.size());
  return crc.checksum();
}

}  // namespace lab
