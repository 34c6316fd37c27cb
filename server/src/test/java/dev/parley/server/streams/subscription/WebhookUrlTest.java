package dev.parley.server.streams.subscription;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.parley.server.http.RefusedException;
import java.io.IOException;
import java.net.InetAddress;
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
}
