package dev.parley.engine.session.object;

import java.util.SortedMap;

/** An object with some of its entries, if it is a map. Large maps come in several parts, which share no key. */
public record ObjectPart(ObjectState object, SortedMap<String, MapEntry> entries) {}
