// Nothing here is to blame: it awaits.
const http = require("http");
const { setTimeout: wait } = require("timers/promises");

http.createServer(async (request, response) => {
  if (request.url === "/report") await wait(50);
  response.end("ok");
}).listen(Number(process.argv[2]), "127.0.0.1");
