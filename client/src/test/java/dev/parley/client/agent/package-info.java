@NullMarked
package dev.parley.client.agent;

import org.jspecify.annotations.NullMarked;
