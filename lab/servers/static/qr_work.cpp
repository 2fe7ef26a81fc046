#include "lab/servers/steps/work.hpp"

namespace lab {

// Debian has no static libqrencode.
Result<std::vector<std::string>> qr_code_of(const std::string& /*text*/) {
  return environment_error("this statically linked lab makes no QR codes");
}

Result<void> encode_qr_codes(std::int64_t /*units*/, const Between& /*between*/) {
  return environment_error(
      "this statically linked lab makes no QR codes; use the Debian package or ./labw, or lab predict");
}

}  // namespace lab
