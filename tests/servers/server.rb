# So many threads, each of which takes a connection, waits and closes it: ruby server.rb PORT THREADS MILLISECONDS
require "socket"
port, threads, wait = ARGV.map(&:to_i)
server = TCPServer.new("127.0.0.1", port)
server.listen(256)
threads.times.map do
  Thread.new do
    loop do
      socket = server.accept
      line = socket.gets
      loop { break if (socket.gets || "").strip.empty? }
      sleep wait / 1000.0 if line && line.include?("/work")
      socket.write "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
      socket.close
    rescue SystemCallError
      nil
    end
  end
end.each(&:join)
