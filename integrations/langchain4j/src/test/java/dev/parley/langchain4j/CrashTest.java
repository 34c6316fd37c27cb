package dev.parley.langchain4j;

import dev.parley.client.TestServer;
import dev.parley.client.agent.AgentCrashes;

/** The process of an agent is killed at random points of its loop, and started again. */
class CrashTest extends AgentCrashes {
    CrashTest(TestServer server) {
        super(server, CrashingAgent.class);
    }
}
