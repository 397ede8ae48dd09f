import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.CompletableFuture;

/** java.net.http.HttpClient: the matrix's exchanges, its account on stdout. */
public class Client {
  static final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  static String base;

  static CompletableFuture<Void> exchange(String method, String path, String query, BodyPublisher body) {
    HttpRequest request = HttpRequest.newBuilder(URI.create(base + path + query)).method(method, body).build();
    return client.sendAsync(request, BodyHandlers.ofByteArray()).thenAccept(
        response -> System.out.println(method + " " + path + " " + response.statusCode()));
  }

  static CompletableFuture<Void> get(String path) {
    return exchange("GET", path, "", BodyPublishers.noBody());
  }

  public static void main(String[] arguments) {
    base = arguments[0];
    for (int i = 0; i < 10; i++) get("/item/k" + i).join();
    exchange("HEAD", "/item/head", "", BodyPublishers.noBody()).join();
    for (int code : new int[] {204, 304, 404, 500})
      exchange("GET", "/item/s" + code, "?status=" + code, BodyPublishers.noBody()).join();
    for (String path : new String[] {"/bytes/0", "/bytes/1000000", "/stream/5"}) get(path).join();
    byte[] body = new byte[1000000];
    exchange("POST", "/upload/length", "", BodyPublishers.ofByteArray(body)).join();
    exchange("POST", "/upload/chunked", "",
        BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body))).join();
    CompletableFuture<?>[] chains = new CompletableFuture<?>[8];
    for (int c = 0; c < 8; c++) {
      CompletableFuture<Void> chain = CompletableFuture.completedFuture(null);
      for (int i = 0; i < 25; i++) {
        String path = "/item/c" + c + "-" + i;
        chain = chain.thenCompose(done -> get(path));
      }
      chains[c] = chain;
    }
    CompletableFuture.allOf(chains).join();
  }
}
