#include <qrencode.h>

#include <cerrno>
#include <memory>

#include "lab/servers/steps/work.hpp"

namespace lab {

namespace {

using EncodedText = std::unique_ptr<QRcode, decltype(&QRcode_free)>;

EncodedText encode_text(const char* text) {
  return {QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1), QRcode_free};
}

}  // namespace

Result<std::vector<std::string>> qr_code_of(const std::string& text) {
  const EncodedText code = encode_text(text.c_str());
  if (code == nullptr) return system_error("QRcode_encodeString", text, errno);
  const auto width = static_cast<std::size_t>(code->width);
  std::vector<std::string> rows(width);
  for (std::size_t square = 0; square < width * width; ++square)
    rows[square / width] += (code->data[square] & 1) != 0 ? '1' : '0';
  return rows;
}

Result<void> encode_qr_codes(std::int64_t units, const Between& between) {
  for (std::int64_t done = 0; done < units; ++done) {
    const EncodedText code = encode_text("https://fastapi.tiangolo.com/async/#concurrency-and-burgers");
    if (code == nullptr) return system_error("QRcode_encodeString", "a QR code", errno);
    if (between && done + 1 < units) between();
  }
  return {};
}

}  // namespace lab
