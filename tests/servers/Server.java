// The steps of server.py: java Server PORT THREADS STEP…, THREADS 0: as many as there are requests, -1: the one that accepts.
import com.sun.net.httpserver.*;
import java.net.*;
import java.util.concurrent.*;

public class Server {
  static double sum = 0;

  static void in(Semaphore gate, long ms) throws Exception {
    gate.acquire();
    Thread.sleep(ms);
    gate.release();
  }

  static Callable<Void> step(String text) {
    String[] words = text.split("[=:]");
    int value = Integer.parseInt(words[1]);
    Semaphore gate = new Semaphore(words[0].equals("pool") ? value : 1);
    return () -> {
      switch (words[0]) {
        case "wait" -> Thread.sleep(value);
        case "lock" -> in(gate, value);
        case "pool" -> in(gate, Integer.parseInt(words[2]));
        case "burn" -> {
          double local = 0;
          for (int i = 1; i < value * 60000; ++i) local += Math.sqrt(i) * Math.log(i);
          sum = local;
        }
      }
      return null;
    };
  }

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])), 256);
    int threads = Integer.parseInt(args[1]);
    if (threads >= 0) server.setExecutor(threads == 0 ? Executors.newCachedThreadPool() : Executors.newFixedThreadPool(threads));
    var steps = java.util.Arrays.stream(args).skip(2).map(Server::step).toList();
    server.createContext("/", exchange -> {
      try {
        if (exchange.getRequestURI().getPath().equals("/work")) for (var step : steps) step.call();
      } catch (Exception e) {
        throw new java.io.IOException(e);
      }
      exchange.sendResponseHeaders(200, 2);
      exchange.getResponseBody().write("ok".getBytes());
      exchange.close();
    });
    server.start();
  }
}
