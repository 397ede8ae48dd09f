import java.util.ArrayList;
import java.util.List;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.Transaction;
import redis.clients.jedis.exceptions.JedisDataException;

/** Jedis: HOST PORT. See ../README.md. */
public class RedisClient {
    static void note(String command, String key, String error) {
        System.out.println("{\"command\": \"" + command + "\", \"key\": " + (key == null ? "null" : "\"" + key + "\"")
                + ", \"code\": " + (error == null ? "null" : "\"" + error.split(" ")[0] + "\"") + "}");
    }

    static boolean isList(int n) {
        return n % 3 == 0;
    }

    static void check(boolean right, String what) {
        if (!right) throw new AssertionError(what);
    }

    interface Get {
        String get();
    }

    static void checked(int n, Get call) {
        String error = null;
        try {
            check(call.get().equals("v" + n), "k" + n);
        } catch (JedisDataException refused) {
            error = refused.getMessage();
        }
        check((error != null) == isList(n), "k" + n + ": " + error);
        note("GET", "k" + n, error);
    }

    public static void main(String[] arguments) {
        Jedis client = new Jedis(arguments[0], Integer.parseInt(arguments[1]));
        for (int n = 0; n < 40; n++) {
            if (isList(n)) client.rpush("k" + n, "v" + n);
            else client.set("k" + n, "v" + n);
            note(isList(n) ? "RPUSH" : "SET", "k" + n, null);
        }
        for (int n = 0; n < 40; n++) {
            String key = "k" + n;
            checked(n, () -> client.get(key));
        }
        Pipeline batch = client.pipelined();
        List<Response<String>> answers = new ArrayList<>();
        for (int n = 0; n < 40; n++) answers.add(batch.get("k" + n));
        batch.sync();
        for (int n = 0; n < 40; n++) checked(n, answers.get(n)::get);
        Transaction transaction = client.multi();
        note("MULTI", null, null);
        for (int n = 0; n < 3; n++) {
            transaction.set("t" + n, "v" + n);
            note("SET", "t" + n, null);
        }
        check(transaction.exec().size() == 3, "EXEC");
        note("EXEC", null, null);
        try {
            client.incr("k1");
            throw new AssertionError("INCR of a text");
        } catch (JedisDataException refused) {
            note("INCR", "k1", refused.getMessage());
        }
        client.close();
    }
}
