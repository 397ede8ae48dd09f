import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

/** The matrix's answers on the JDK's own server, with a pool of threads. */
public class Server {
  static long received(HttpExchange exchange) throws IOException {
    long count = 0;
    byte[] buffer = new byte[65536];
    for (int n; (n = exchange.getRequestBody().read(buffer)) >= 0; ) count += n;
    return count;
  }

  static void answer(HttpExchange exchange) throws IOException {
    String[] parts = exchange.getRequestURI().getPath().split("/");
    String value = parts[2];
    byte[] body = value.getBytes();
    int code = 200;
    switch (parts[1]) {
      case "item" -> {
        String query = exchange.getRequestURI().getQuery();
        if (query != null) code = Integer.parseInt(query.replace("status=", ""));
        exchange.getResponseHeaders().set("X-Item", value);
      }
      case "upload" -> {
        body = Long.toString(received(exchange)).getBytes();
        exchange.getResponseHeaders().set("X-Item", value);
      }
      case "bytes" -> body = new byte[Integer.parseInt(value)];
      default -> {
        exchange.sendResponseHeaders(200, 0); // 0: chunked
        try (OutputStream out = exchange.getResponseBody()) {
          for (int i = 0; i < Integer.parseInt(value); i++) out.write(new byte[1000]);
        }
        return;
      }
    }
    boolean empty = code == 204 || code == 304 || body.length == 0 || exchange.getRequestMethod().equals("HEAD");
    exchange.sendResponseHeaders(code, empty ? -1 : body.length);
    if (!empty) exchange.getResponseBody().write(body);
    exchange.close();
  }

  public static void main(String[] arguments) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(arguments[0], Integer.parseInt(arguments[1])), 256);
    server.createContext("/", Server::answer);
    server.setExecutor(Executors.newFixedThreadPool(8));
    server.start();
    System.out.println("listening " + server.getAddress().getPort());
  }
}
