/**
 * Agents, and people's side of a conversation with them, in sessions of a Parley server.
 *
 * <p>An agent that streams, stops, can be steered, and asks before it does what cannot be undone:
 *
 * <pre>{@code
 * try (ParleyClient client = ParleyClient.of(server, Credentials.key(key));
 *         AgentSession agent = AgentSession.open(client, "trip")) {
 *     agent.serve(run -> {
 *         try (Output output = run.output()) {
 *             for (ToolCall call : run.approvedCalls()) {
 *                 output.toolOutput(call.toolCallId(), tools.execute(call));
 *             }
 *         }
 *         do {
 *             Prompt prompt = run.prompt();
 *             try (Output output = run.output()) {
 *                 model.stream(prompt.messages(), output::text, call -> {
 *                     output.toolCall(call.id(), call.name(), call.input());
 *                     output.requestApproval(call.id());
 *                 });
 *             }
 *         } while (run.isSteered());
 *         if (run.isWaiting()) {
 *             run.suspend();
 *         }
 *     });
 *     shutdown.await();
 * }
 * }</pre>
 *
 * <p>A cancel makes the next write throw, which ends the run; a model that can be closed is closed by a hook of
 * {@link dev.parley.client.agent.Run#cancelToken}. A suspended run goes on, in this process or in another, when all that it waits
 * for has come.
 */
@NullMarked
package dev.parley.client.agent;

import org.jspecify.annotations.NullMarked;
