/**
 * What an AI session means, without I/O: {@link dev.parley.conversation.Conversation} folds the messages of a session's log,
 * in whatever order they come, into the inputs of people and the runs of agents. A {@link dev.parley.conversation.View} shows
 * one branch of it, a {@link dev.parley.conversation.Room} all that is said in log order, a
 * {@link dev.parley.conversation.Prompt} what an agent has to answer.
 *
 * <p>What is written to the session is made by {@link dev.parley.conversation.Inputs} (people's side),
 * {@link dev.parley.conversation.RunMessages} and {@link dev.parley.conversation.OutputWriter} (agents' side). The form on the
 * wire is that of {@code @ably/ai-transport}; all its names stand in {@link dev.parley.conversation.WireForm}.
 *
 * <p>Nothing here reads a clock, makes up an id, blocks or starts a thread. Unless a class says otherwise its instances are
 * immutable; those that are not, belong to one thread at a time.
 */
@NullMarked
package dev.parley.conversation;

import org.jspecify.annotations.NullMarked;
