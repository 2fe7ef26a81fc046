// The loop computes.
const http = require("http");

const isPrime = (number) => {
  for (let by = 2; by < number; ++by) if (number % by === 0) return false;
  return true;
};

function report() {
  return String(isPrime(20_000_003));
}

http.createServer((request, response) => {
  response.end(request.url === "/report" ? report() : "ok");
}).listen(Number(process.argv[2]), "127.0.0.1");
