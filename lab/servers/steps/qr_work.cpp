#include <qrencode.h>

#include <cerrno>
#include <memory>

#include "lab/servers/steps/work.hpp"

namespace lab {

Result<void> encode_qr_codes(std::int64_t units, const Between& between) {
  for (std::int64_t done = 0; done < units; ++done) {
    const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
        QRcode_encodeString("https://fastapi.tiangolo.com/async/#concurrency-and-burgers", 0, QR_ECLEVEL_M,
                            QR_MODE_8, 1),
        QRcode_free);
    if (code == nullptr) return system_error("QRcode_encodeString", "a QR code", errno);
    if (between && done + 1 < units) between();
  }
  return {};
}

}  // namespace lab
