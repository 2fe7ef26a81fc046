// The loop reads a file of 200 MB, and everybody waits until it is there.
const fs = require("fs");
const http = require("http");

function report() {
  const text = fs.readFileSync(process.env.BIG_FILE);
  return `${text.length} bytes`;
}

http.createServer((request, response) => {
  response.end(request.url === "/report" ? report() : "ok");
}).listen(Number(process.argv[2]), "127.0.0.1");
