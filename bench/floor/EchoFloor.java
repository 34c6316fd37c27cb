import io.vertx.core.DeploymentOptions;
import io.vertx.core.VerticleBase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServerOptions;

/** The floor of appending: answers every POST with its body and does nothing else. Argument: PORT. */
public final class EchoFloor extends VerticleBase {
    private final int port;

    private EchoFloor(int port) {
        this.port = port;
    }

    @Override
    public Future<?> start() {
        return vertx.createHttpServer(new HttpServerOptions())
                .requestHandler(request ->
                        request.body().onSuccess(body -> request.response().end(body)))
                .listen(port, "127.0.0.1");
    }

    public static void main(String[] arguments) {
        int port = Integer.parseInt(arguments[0]);
        Vertx vertx = Vertx.vertx(new VertxOptions().setPreferNativeTransport(true));
        // One event loop per core: the load generator needs its share of the machine too.
        var options = new DeploymentOptions()
                .setInstances(Runtime.getRuntime().availableProcessors());
        vertx.deployVerticle(() -> new EchoFloor(port), options)
                .onSuccess(id -> System.out.println("listening on http://127.0.0.1:" + port))
                .onFailure(failure -> {
                    failure.printStackTrace();
                    System.exit(1);
                });
    }
}
