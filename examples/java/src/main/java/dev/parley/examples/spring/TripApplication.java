package dev.parley.examples.spring;

import dev.parley.examples.Shop;
import org.springframework.ai.support.ToolCallbacks;
import org.springframework.ai.tool.ToolCallbackProvider;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

// region application
/** An application whose agent is made of application.properties, of the tools below, and of a bean of type ChatModel. */
@SpringBootApplication
public class TripApplication {
    /** Starts the application. */
    public static void main(String... args) {
        SpringApplication.run(TripApplication.class, args);
    }

    @Bean
    ToolCallbackProvider trips(Shop shop) {
        return ToolCallbackProvider.from(ToolCallbacks.from(new Trips(shop)));
    }
    // endregion

    @Bean
    Shop shop() {
        return new Shop();
    }
}
