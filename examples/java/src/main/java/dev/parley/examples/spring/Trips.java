package dev.parley.examples.spring;

import dev.parley.examples.Shop;
import dev.parley.springai.SpringAiAgent;
import java.util.List;
import org.springframework.ai.chat.model.ToolContext;
import org.springframework.ai.tool.annotation.Tool;
import org.springframework.ai.tool.annotation.ToolParam;

// region tools
/** What the agent can do. Spring AI tells the model about the annotated methods. */
public final class Trips {
    private final Shop shop;

    /** Tools that book at this shop. */
    public Trips(Shop shop) {
        this.shop = shop;
    }

    /** A tool that changes nothing. */
    @Tool(description = "Finds connections")
    public List<String> find(@ToolParam(description = "where to") String city) {
        return List.of("8:04 to " + city, "9:04 to " + city);
    }

    /** A tool that has its effect once for each key. */
    @Tool(description = "Books a connection")
    public String book(@ToolParam(description = "the connection") String id, ToolContext context) {
        return shop.book(id, SpringAiAgent.toolKey(context).value());
    }
}
// endregion
