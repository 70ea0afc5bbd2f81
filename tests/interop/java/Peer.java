import com.couchbase.lite.*;
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.*;
import java.util.concurrent.*;
import org.json.*;

/**
 * A real Couchbase Lite client that is told what to do.
 *
 * Commands are JSON objects, one a line on standard input: {"id", "command", "args"}. Answers are
 * JSON objects on standard output: {"id", "result"} or {"id", "error"}. What a continuous
 * replicator says meanwhile is {"event", ...}. The process ends when standard input does.
 */
public final class Peer {
    private final PrintStream out;
    private final Executor events = Executors.newSingleThreadExecutor(Peer::daemon);
    private Database database;
    private Replicator replicator;
    private ReplicatorStatus status;
    private CountDownLatch stopped;

    private Peer(PrintStream out) {
        this.out = out;
    }

    public static void main(String[] args) throws Exception {
        // The library logs to standard output, which is ours alone.
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8");
        System.setOut(System.err);
        File scratch = new File(args[0]);
        CouchbaseLite.init(false, scratch, scratch);
        Database.log.getConsole().setLevel(
            System.getenv("CBL_LOG") == null ? LogLevel.ERROR : LogLevel.VERBOSE);
        new Peer(out).serve();
        System.exit(0);
    }

    private void serve() throws IOException {
        BufferedReader in = new BufferedReader(
            new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JSONObject reply = new JSONObject();
            try {
                JSONObject call = new JSONObject(line);
                reply.put("id", call.getInt("id"));
                reply.put("result", run(call.getString("command"), call.getJSONObject("args")));
            } catch (Exception | LinkageError e) {
                write(reply, "error", error(e));
            }
            send(reply);
        }
    }

    private Object run(String command, JSONObject args) throws Exception {
        switch (command) {
            case "open": return open(args);
            case "save": return save(args.getJSONArray("documents"));
            case "delete": return delete(args.getJSONArray("ids"));
            case "documents": return documents();
            case "replicate": return replicate(args);
            case "start": return start(args);
            case "stop": return stop();
            case "status": return describe(status);
            case "pending": return new JSONArray(replicator.getPendingDocumentIds());
            case "close": return close();
            default: throw new IllegalArgumentException("no such command: " + command);
        }
    }

    private Object open(JSONObject args) throws Exception {
        DatabaseConfiguration config = new DatabaseConfiguration();
        config.setDirectory(args.getString("directory"));
        database = new Database(args.getString("name"), config);
        return database.getPath();
    }

    /** Saves {"id", "body", "blobs": {key: {"type", "base64"}}}; a stored one is replaced. */
    private Object save(JSONArray documents) throws Exception {
        JSONObject revisions = new JSONObject();
        database.<Exception>inBatch(() -> {
            for (int i = 0; i < documents.length(); i++) {
                JSONObject given = documents.getJSONObject(i);
                String id = given.getString("id");
                Document stored = database.getDocument(id);
                MutableDocument document =
                    stored == null ? new MutableDocument(id) : stored.toMutable();
                document.setJSON(given.getJSONObject("body").toString());
                JSONObject blobs = given.optJSONObject("blobs");
                if (blobs != null) {
                    for (Iterator<String> keys = blobs.keys(); keys.hasNext(); ) {
                        String key = keys.next();
                        JSONObject blob = blobs.getJSONObject(key);
                        byte[] bytes = Base64.getDecoder().decode(blob.getString("base64"));
                        document.setBlob(key, new Blob(blob.getString("type"), bytes));
                    }
                }
                database.save(document);
                revisions.put(id, document.getRevisionID());
            }
        });
        return revisions;
    }

    private Object delete(JSONArray ids) throws Exception {
        for (int i = 0; i < ids.length(); i++) {
            database.delete(database.getDocument(ids.getString(i)));
        }
        return ids.length();
    }

    /** All live documents by id: {"rev", "body", "blobs": {key: {"type", "length", "sha256"}}}. */
    private Object documents() throws Exception {
        JSONObject all = new JSONObject();
        Query query = QueryBuilder.select(SelectResult.expression(Meta.id))
            .from(DataSource.database(database));
        ResultSet rows = query.execute();
        for (Result row = rows.next(); row != null; row = rows.next()) {
            Document document = database.getDocument(row.getString(0));
            if (document == null) {
                continue;
            }
            JSONObject blobs = new JSONObject();
            for (String key : document.getKeys()) {
                Blob blob = document.getBlob(key);
                if (blob != null) {
                    blobs.put(key, new JSONObject()
                        .put("type", blob.getContentType())
                        .put("length", blob.length())
                        .put("sha256", sha256(blob.getContent())));
                }
            }
            all.put(document.getId(), new JSONObject()
                .put("rev", document.getRevisionID())
                .put("body", new JSONObject(document.toJSON()))
                .put("blobs", blobs));
        }
        return all;
    }

    /** Runs a one-shot replication to its end: its last status and each document it moved. */
    private Object replicate(JSONObject args) throws Exception {
        JSONArray moved = new JSONArray();
        build(args.put("continuous", false));
        replicator.addDocumentReplicationListener(events, change -> note(change, moved));
        replicator.start(args.optBoolean("reset"));
        if (!stopped.await(args.optInt("timeout", 45), TimeUnit.SECONDS)) {
            replicator.stop();
            throw new TimeoutException("still " + describe(status));
        }
        CountDownLatch noted = new CountDownLatch(1);
        events.execute(noted::countDown);
        noted.await();
        return describe(status).put("documents", moved);
    }

    /** Starts a continuous replication; from now on its status and documents come as events. */
    private Object start(JSONObject args) throws Exception {
        build(args.put("continuous", true));
        replicator.addDocumentReplicationListener(events, change -> {
            JSONArray moved = new JSONArray();
            note(change, moved);
            send(event("documents", "documents", moved));
        });
        replicator.start(args.optBoolean("reset"));
        return null;
    }

    private Object stop() throws Exception {
        replicator.stop();
        if (!stopped.await(20, TimeUnit.SECONDS)) {
            throw new TimeoutException("still " + describe(status));
        }
        return describe(status);
    }

    private Object close() throws Exception {
        database.close();
        return null;
    }

    private void build(JSONObject args) throws Exception {
        ReplicatorConfiguration config = new ReplicatorConfiguration(
            database, new URLEndpoint(new java.net.URI(args.getString("url"))));
        config.setType(ReplicatorType.valueOf(args.optString("type", "PUSH_AND_PULL")));
        config.setContinuous(args.getBoolean("continuous"));
        // One attempt only: what a scenario breaks on purpose is not tried again for minutes.
        config.setMaxAttempts(args.optInt("attempts", 1));
        config.setMaxAttemptWaitTime(1);
        if (args.has("user")) {
            config.setAuthenticator(new BasicAuthenticator(
                args.getString("user"), args.getString("password").toCharArray()));
        }
        if (args.has("certificate")) {
            config.setPinnedServerCertificate(
                Base64.getDecoder().decode(args.getString("certificate")));
        }
        if (args.has("ids")) {
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < args.getJSONArray("ids").length(); i++) {
                ids.add(args.getJSONArray("ids").getString(i));
            }
            config.setDocumentIDs(ids);
        }
        CountDownLatch latch = new CountDownLatch(1);
        boolean continuous = config.isContinuous();
        stopped = latch;
        replicator = new Replicator(config);
        replicator.addChangeListener(events, change -> {
            status = change.getStatus();
            if (continuous) {
                send(event("status", "status", describe(status)));
            }
            if (status.getActivityLevel() == ReplicatorActivityLevel.STOPPED) {
                latch.countDown();
            }
        });
    }

    private static void note(DocumentReplication change, JSONArray moved) {
        for (ReplicatedDocument document : change.getDocuments()) {
            JSONObject entry = new JSONObject();
            write(entry, "id", document.getID());
            write(entry, "push", change.isPush());
            write(entry, "deleted", document.getFlags().contains(DocumentFlag.DELETED));
            write(entry, "error", error(document.getError()));
            moved.put(entry);
        }
    }

    private static JSONObject describe(ReplicatorStatus status) {
        JSONObject text = new JSONObject();
        if (status != null) {
            write(text, "level", status.getActivityLevel().name());
            write(text, "completed", status.getProgress().getCompleted());
            write(text, "total", status.getProgress().getTotal());
            write(text, "error", error(status.getError()));
        }
        return text;
    }

    private static Object error(Throwable e) {
        if (e == null) {
            return JSONObject.NULL;
        }
        JSONObject text = new JSONObject();
        write(text, "message", String.valueOf(e.getMessage()));
        if (e instanceof CouchbaseLiteException) {
            write(text, "domain", ((CouchbaseLiteException) e).getDomain());
            write(text, "code", ((CouchbaseLiteException) e).getCode());
        } else {
            write(text, "type", e.getClass().getName());
        }
        return text;
    }

    private static JSONObject event(String name, String key, Object value) {
        JSONObject event = new JSONObject();
        write(event, "event", name);
        write(event, key, value);
        return event;
    }

    /** `put` without the checked exception, which only a non-finite number raises. */
    private static void write(JSONObject to, String key, Object value) {
        try {
            to.put(key, value);
        } catch (JSONException e) {
            throw new IllegalStateException(e);
        }
    }

    private void send(JSONObject message) {
        synchronized (out) {
            out.println(message);
        }
    }

    private static String sha256(byte[] bytes) throws Exception {
        StringBuilder hex = new StringBuilder();
        for (byte b : MessageDigest.getInstance("SHA-256").digest(bytes)) {
            hex.append(String.format("%02x", b));
        }
        return hex.toString();
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work, "events");
        thread.setDaemon(true);
        return thread;
    }
}
