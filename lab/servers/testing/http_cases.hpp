#pragma once

#include <array>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/paths.hpp"
#include "lab/core/text.hpp"

namespace lab::test {

/// A request as bytes, and the status that every server with our loop must answer with.
struct HttpCase {
  const char* what;
  std::string bytes;
  int status;
};

/// The strictness table of reliability.md.
inline std::vector<HttpCase> http_cases() {
  const std::string line = "GET /ping HTTP/1.1\r\n";
  const std::string host = "Host: lab\r\n";
  const std::string get = line + host;
  const std::string post = "POST /delay?ms=0 HTTP/1.1\r\n" + host;
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  const std::string megabyte(1000000, 'x');
  std::string fields;
  for (int i = 0; i < 100; ++i) fields += "X-" + std::to_string(i) + ": y\r\n";
  return {
      {"plain GET", get + "\r\n", 200},
      {"empty line before the request line", "\r\n" + get + "\r\n", 200},
      {"absolute form", "GET http://lab:80/ping?x HTTP/1.1\r\n" + host + "\r\n", 200},
      {"HTTP/1.0 without Host", "GET /ping HTTP/1.0\r\n\r\n", 200},
      {"Host with a port", line + "Host: [::1]:8000\r\n\r\n", 200},
      {"optional white space around a value", line + "Host: \t lab \t\r\n\r\n", 200},
      {"bytes above ASCII in a value", get + "X: \xc3\xa9\r\n\r\n", 200},
      {"body with a length", post + "Content-Length: 5\r\n\r\nhello", 200},
      {"equal Content-Length fields", post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", 200},
      {"chunked body", chunked + "5\r\nhello\r\n0\r\n\r\n", 200},
      {"chunk extension and trailer", chunked + "5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", 200},
      {"100 fields", line + host + fields.substr(0, fields.find("X-99")) + "\r\n", 200},
      {"body of 1 MB", post + "Content-Length: 1000000\r\n\r\n" + megabyte, 200},
      {"unknown path", "GET /nope HTTP/1.1\r\n" + host + "\r\n", 404},
      {"wrong method", "DELETE /ping HTTP/1.1\r\n" + host + "\r\n", 405},
      {"ms out of range", "GET /delay?ms=3600001 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"ms that is no number", "GET /delay?ms=1x HTTP/1.1\r\n" + host + "\r\n", 400},
      {"negative ms", "GET /delay?ms=-1 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"no Host", line + "\r\n", 400},
      {"two Hosts", get + host + "\r\n", 400},
      {"empty Host", line + "Host:\r\n\r\n", 400},
      {"Host with a path", line + "Host: a/b\r\n\r\n", 400},
      {"Host with a bad port", line + "Host: lab:x\r\n\r\n", 400},
      {"folded field", get + "X: a\r\n b\r\n\r\n", 400},
      {"space before the colon", get + "X : a\r\n\r\n", 400},
      {"field without a colon", get + "X\r\n\r\n", 400},
      {"field without a name", get + ": a\r\n\r\n", 400},
      {"NUL in a value", get + std::string("X: a\0b\r\n\r\n", 10), 400},
      {"control byte in a value", get + "X: a\x01\r\n\r\n", 400},
      {"lone CR in a value", get + "X: a\rb\r\n\r\n", 400},
      {"lone LF", "GET /ping HTTP/1.1\nHost: lab\n\n", 400},
      {"control byte in the target", "GET /pi\x01ng HTTP/1.1\r\n" + host + "\r\n", 400},
      {"target of a relative path", "GET ping HTTP/1.1\r\n" + host + "\r\n", 400},
      {"* with GET", "GET * HTTP/1.1\r\n" + host + "\r\n", 400},
      {"request line without a version", "GET /ping\r\n" + host + "\r\n", 400},
      {"two spaces in the request line", "GET  /ping HTTP/1.1\r\n" + host + "\r\n", 400},
      {"version in small letters", "GET /ping http/1.1\r\n" + host + "\r\n", 400},
      {"version 2.0", "GET /ping HTTP/2.0\r\n" + host + "\r\n", 505},
      {"version 1.2", "GET /ping HTTP/1.2\r\n" + host + "\r\n", 505},
      {"Content-Length that is no number", post + "Content-Length: 5x\r\n\r\nhello", 400},
      {"negative Content-Length", post + "Content-Length: -5\r\n\r\n", 400},
      {"signed Content-Length", post + "Content-Length: +5\r\n\r\nhello", 400},
      {"empty Content-Length", post + "Content-Length:\r\n\r\n", 400},
      {"differing Content-Length", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400},
      {"length, then coding", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"coding, then length", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
      {"chunked twice", post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400},
      {"unknown coding", post + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {"unknown coding before chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {"chunked before another", post + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400},
      {"comma before chunked", post + "Transfer-Encoding: , chunked\r\n\r\n0\r\n\r\n", 400},
      {"comma behind chunked", post + "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", 400},
      {"two types", post + "Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 0\r\n\r\n", 400},
      {"quoted extensions", chunked + "5;a=\"b;\\\"c\" ; d\r\nhello\r\n0\r\n\r\n", 200},
      {"extension without a name", chunked + "5;=b\r\nhello\r\n0\r\n\r\n", 400},
      {"extension of two words", chunked + "5;a b\r\nhello\r\n0\r\n\r\n", 400},
      {"extension with an open quote", chunked + "5;a=\"b\r\nhello\r\n0\r\n\r\n", 400},
      {"bare LF behind a trailer", chunked + "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\n", 400},
      {"bare LF behind the last chunk", chunked + "5\r\nhello\r\n0\r\n\n", 400},
      {"chunked in HTTP/1.0", "POST /delay?ms=0 HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       400},
      {"chunk size that is no number", chunked + "xyz\r\nhello\r\n0\r\n\r\n", 400},
      {"empty chunk size", chunked + "\r\nhello\r\n0\r\n\r\n", 400},
      {"chunk size of 0x5", chunked + "0x5\r\nhello\r\n0\r\n\r\n", 400},
      {"negative chunk size", chunked + "-5\r\nhello\r\n0\r\n\r\n", 400},
      {"chunk size of 17 digits", chunked + "00000000000000005\r\nhello\r\n0\r\n\r\n", 400},
      {"chunk longer than its size", chunked + "5\r\nhello!\r\n0\r\n\r\n", 400},
      {"chunk line ended by LF", chunked + "5\nhello\r\n0\r\n\r\n", 400},
      {"endless chunk extension", chunked + "5;" + std::string(2000, 'a') + "\r\nhello\r\n0\r\n\r\n", 400},
      {"Content-Length as a trailer", chunked + "0\r\nContent-Length: 5\r\n\r\n", 400},
      {"target over 8 KB", "GET /" + std::string(8192, 'a') + " HTTP/1.1\r\n" + host + "\r\n", 414},
      {"fields over 8 KB", get + "X: " + std::string(8192, 'a') + "\r\n\r\n", 431},
      {"101 fields", line + host + fields + "\r\n", 431},
      {"trailers over 8 KB", chunked + "0\r\nX: " + std::string(8192, 'a') + "\r\n\r\n", 431},
      {"body over 1 MB announced", post + "Content-Length: 1000001\r\n\r\n", 413},
      {"length beyond 64 bits", post + "Content-Length: 99999999999999999999999\r\n\r\n", 413},
      {"chunk over 1 MB announced", chunked + "f4241\r\n", 413},
      {"chunks over 1 MB", chunked + "f4240\r\n" + megabyte + "\r\n1\r\nx\r\n0\r\n\r\n", 413},
      {"unknown expectation", post + "Expect: tea\r\nContent-Length: 0\r\n\r\n", 417},
      {"CONNECT", "CONNECT lab:443 HTTP/1.1\r\n" + host + "\r\n", 501},
  };
}

/// A row of the table of what cpp-httplib answers instead: its version 0.11, and 0.14.
struct HttplibRow {
  int strict = 0;
  std::array<int, 2> httplib{};
};

inline constexpr std::size_t kHttplibColumn = std::string_view(LAB_HTTPLIB_VERSION) < "0.14" ? 0 : 1;

/// The table in lab/servers/README.md, by what the request is.
inline std::map<std::string, HttplibRow, std::less<>> httplib_table() {
  std::map<std::string, HttplibRow, std::less<>> table;
  std::ifstream file(checkout_root().value_or(".") / "lab/servers/README.md");
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> cells = split(line, '|');
    if (cells.size() != 6 || std::atoi(cells[2].c_str()) == 0) continue;
    table[std::string(trim(cells[1]))] = {std::atoi(cells[2].c_str()),
                                          {std::atoi(cells[3].c_str()), std::atoi(cells[4].c_str())}};
  }
  return table;
}

}  // namespace lab::test
