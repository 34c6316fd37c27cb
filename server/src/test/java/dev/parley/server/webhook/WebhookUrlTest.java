package dev.parley.server.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.server.config.Network;
import dev.parley.server.http.RefusedException;
import java.io.IOException;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class WebhookUrlTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://worker.example",
                "https://worker.example:8443/hooks?team=a",
                "https://8.8.8.8/hook",
                "https://[2606:4700::1111]/hook",
                "https://10.example.com/hook"
            })
    void takesPublicHttps(String url) throws RefusedException {
        assertThat(WebhookUrl.parse(url, false).isTls()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://localhost:8080/hook", "http://LOCALHOST/hook", "http://127.0.0.3:1/hook"})
    void takesThisMachineForDevelopmentOnly(String url) throws RefusedException {
        assertThat(WebhookUrl.parse(url, true).isTls()).isFalse();
        assertThatThrownBy(() -> WebhookUrl.parse(url, false)).isInstanceOf(RefusedException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://worker.example",
                "http://10.0.0.1/hook",
                "http://[::1]/hook",
                "http://127.0.0.1.example/hook",
                "http://127.1/hook",
                "ftp://worker.example",
                "https:///hook",
                "https://user:secret@worker.example",
                "https://localhost/hook",
                "https://box.localhost/hook",
                "https://127.0.0.1/hook",
                "https://127.1/hook",
                "https://2130706433/hook",
                "https://0x7f000001/hook",
                "https://0177.0.0.1/hook",
                "https://0.0.0.0/hook",
                "https://10.1.2.3/hook",
                "https://172.31.0.1/hook",
                "https://192.168.1.1/hook",
                "https://169.254.169.254/latest/meta-data",
                "https://100.100.100.200/hook",
                "https://224.0.0.1/hook",
                "https://255.255.255.255/hook",
                "https://[::]/hook",
                "https://[::1]/hook",
                "https://[fe80::1]/hook",
                "https://[fd00:ec2::254]/hook",
                "https://[::ffff:10.0.0.1]/hook",
                "https://[::ffff:7f00:1]/hook",
                "https://[64:ff9b::a00:1]/hook",
                "https://[2002:a00:1::]/hook",
                "https://[2001:0:1::]/hook",
                "https://[2001:db8::1]/hook",
                "not a url",
                ""
            })
    void refusesWhatLeadsInside(String url) {
        assertThatThrownBy(() -> WebhookUrl.parse(url, true))
                .isInstanceOfSatisfying(
                        RefusedException.class, e -> assertThat(e.code()).isEqualTo("WEBHOOK_URL_REJECTED"));
    }

    @Test
    void looksAtTheAddressOnceMoreWhenItIsResolved() throws Exception {
        // A name may have become one for an address inside since it was checked.
        WebhookUrl moved =
                new WebhookUrl(WebhookUrl.parse("http://localhost/", true).uri(), false);
        assertThatThrownBy(moved::resolve).isInstanceOf(IOException.class).hasMessageContaining("no webhook may go");
        assertThat(WebhookUrl.parse("http://localhost/", true).resolve().isLoopbackAddress())
                .isTrue();
        assertThat(WebhookUrl.isPublic(InetAddress.ofLiteral("198.51.100.7"))).isFalse();
    }

    private static final WebhookUrl.Inside INSIDE = new WebhookUrl.Inside(
            Set.of("agent.internal", "localhost"), List.of(Network.parse("10.1.0.0/16"), Network.parse("fd00::/8")));

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://agent.internal:8080/wake",
                "http://Agent.Internal/wake",
                "https://agent.internal/wake",
                "http://10.1.2.3/wake",
                "https://10.1.255.255/wake",
                "http://[fd00::7]/wake",
                "https://worker.example"
            })
    void takesWhatAnOperatorAllowsInside(String url) throws RefusedException {
        assertThat(WebhookUrl.parse(url, false, INSIDE).isTls()).isEqualTo(url.startsWith("https"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://worker.example",
                "http://10.2.0.1/wake",
                "https://10.2.0.1/wake",
                "http://0x0a010203/wake",
                "http://10.66051/wake",
                "http://012.1.2.3/wake",
                "http://agent.internal.example/wake",
                "http://[fe80::7]/wake",
                "ftp://agent.internal/wake",
                "http://user:secret@agent.internal/wake"
            })
    void refusesEverythingElseInside(String url) {
        assertThatThrownBy(() -> WebhookUrl.parse(url, false, INSIDE)).isInstanceOf(RefusedException.class);
    }

    @Test
    void aNameThatIsAllowedMayLeadInsideAndAnotherOneOnlyIntoAllowedNetworks() throws Exception {
        assertThat(WebhookUrl.parse("http://localhost/", false, INSIDE)
                        .resolve()
                        .isLoopbackAddress())
                .isTrue();
        var uri = WebhookUrl.parse("http://localhost/", true).uri();
        var other = new WebhookUrl(uri, false, new WebhookUrl.Inside(Set.of(), INSIDE.networks()));
        assertThatThrownBy(other::resolve).isInstanceOf(IOException.class);
        var within = new WebhookUrl(
                uri,
                false,
                new WebhookUrl.Inside(Set.of(), List.of(Network.parse("127.0.0.0/8"), Network.parse("::1"))));
        assertThat(within.resolve().isLoopbackAddress()).isTrue();
    }
}
