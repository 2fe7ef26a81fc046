// Each request takes one of the four threads that libuv has for all files, names and hashes.
const crypto = require("crypto");
const http = require("http");

function login(done) {
  crypto.pbkdf2("password", "salt", 60_000, 32, "sha256", done);
}

http.createServer((request, response) => {
  if (request.url !== "/login") return response.end("ok");
  login((problem, key) => response.end(problem ? "no" : key.toString("hex")));
}).listen(Number(process.argv[2]), "127.0.0.1");
