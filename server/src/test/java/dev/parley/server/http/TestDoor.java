package dev.parley.server.http;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Says what it was asked for; a path that ends in "live" gets the start of an answer, and the end when drained. */
final class TestDoor implements Door {

    private final String prefix;
    private final List<Live> live = new CopyOnWriteArrayList<>();

    private record Live(HttpServerRequest request, Promise<Void> ended) {}

    TestDoor(String prefix) {
        this.prefix = prefix;
    }

    @Override
    public String prefix() {
        return prefix;
    }

    @Override
    public void handle(HttpServerRequest request) {
        if (request.path().endsWith("fail")) {
            throw new IllegalStateException("as asked");
        } else if (request.path().endsWith("live")) {
            live.add(new Live(request, Promise.promise()));
            request.response().setChunked(true).write("begin ");
        } else {
            request.body()
                    .onSuccess(body -> request.response()
                            .end("%s %s %s %s".formatted(prefix, request.version(), request.uri(), body)));
        }
    }

    @Override
    public Future<Void> drain() {
        live.forEach(read -> read.request().response().end("end").onComplete(read.ended()));
        return Future.all(live.stream().map(read -> read.ended().future()).toList())
                .mapEmpty();
    }
}
