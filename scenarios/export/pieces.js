// What stands below the routes of a server.js that `lab export` writes. A line `//: name` begins a part; words that end in `_` are
// filled in.

//: server

const server = http.createServer(async (request, response) => {
  const handler = routes[`${request.method} ${request.url.split('?')[0]}`];
  const [status, reply] = handler ? [200, await handler()] : [404, { detail: 'Not Found' }];
  const body = JSON.stringify(reply);
  const length = Buffer.byteLength(body);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': length });
  response.end(body);
});

//: listen
server.listen(process.argv[2] ?? 8000, '127.0.0.1');

//: cluster
if (cluster.isPrimary) {
  for (let i = 0; i < WORKERS_; i++) cluster.fork();
} else {
  server.listen(process.argv[2] ?? 8000, '127.0.0.1');
}
