/**
 * Agents made with Spring AI in sessions of a Parley server.
 *
 * <p>An agent that streams what its model says and thinks, stops when it is cancelled, can be steered, calls tools once, and
 * asks before it does what cannot be undone:
 *
 * <pre>{@code
 * class Trips {
 *     @Tool(description = "Finds connections")
 *     List<Connection> find(@ToolParam(description = "where to") String city) {
 *         return timetable.find(city);
 *     }
 *
 *     @Tool(description = "Books a connection")
 *     String book(@ToolParam(description = "the connection's id") String id, ToolContext context) {
 *         return shop.book(id, SpringAiAgent.toolKey(context).value());
 *     }
 * }
 *
 * SpringAiAgent planner = SpringAiAgent.builder(model)
 *         .systemMessage("You plan trips by train.")
 *         .tools(new Trips())
 *         .takingKeys("book")
 *         .needingApproval("book")
 *         .build();
 * try (ParleyClient client = ParleyClient.of(server, Credentials.key(key));
 *         AgentSession session = AgentSession.open(client, "trip", AgentOptions.DEFAULT.withAdoptAbandoned(true))) {
 *     session.serve(planner);
 *     shutdown.await();
 * }
 * }</pre>
 *
 * <p>The session is the memory: the agent keeps nothing, and any process can go on with a run. What
 * {@link dev.parley.client.agent.ToolLoop} says about tools, approvals and crashes holds here.
 *
 * <p>In an application of Spring Boot, {@link dev.parley.springai.autoconfigure.ParleyAutoConfiguration} makes the client, the
 * session and the agent of properties.
 */
@NullMarked
package dev.parley.springai;

import org.jspecify.annotations.NullMarked;
