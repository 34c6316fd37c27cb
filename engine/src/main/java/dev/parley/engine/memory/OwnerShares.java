package dev.parley.engine.memory;

/**
 * The shares that owners have of purses: an app, or an address, leaves a part of each purse to others, and so does a
 * principal of an app. Thread-safe.
 */
public final class OwnerShares {
    /** An app, or an address, leaves the purse divided by this number to others. */
    private static final int PURSE_PER_REST = 4;

    /** A principal of an app may have the purse divided by this number. */
    private static final int PURSE_PER_PRINCIPAL = 2;

    private final ShareTable<Name> shares = new ShareTable<>();

    private record Name(Purse purse, Owner owner) {}

    /** The part of {@code whole} that {@code owner} may have. */
    public static long part(long whole, Owner owner) {
        return owner.equals(owner.whole()) ? whole - whole / PURSE_PER_REST : whole / PURSE_PER_PRINCIPAL;
    }

    /** The share that {@code owner} has of {@code purse}. What a principal holds also counts in the share of its app. */
    public Share of(Purse purse, Owner owner) {
        Owner whole = owner.whole();
        Room above = owner.equals(whole) ? purse : of(purse, whole);
        return shares.get(new Name(purse, owner), () -> above.share(part(purse.capacity(), owner)));
    }
}
