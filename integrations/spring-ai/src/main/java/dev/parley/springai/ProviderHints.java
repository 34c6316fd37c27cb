package dev.parley.springai;

import org.jspecify.annotations.Nullable;
import org.springframework.aot.hint.BindingReflectionHintsRegistrar;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;
import org.springframework.util.ClassUtils;

/** What a native image has to keep so that {@link ProviderProperties} can make again what a model has said. */
final class ProviderHints implements RuntimeHintsRegistrar {
    @Override
    public void registerHints(RuntimeHints hints, @Nullable ClassLoader classLoader) {
        if (ClassUtils.isPresent(ProviderProperties.SIGNED_TYPE, classLoader)) {
            Class<?> type = ClassUtils.resolveClassName(ProviderProperties.SIGNED_TYPE, classLoader);
            new BindingReflectionHintsRegistrar().registerReflectionHints(hints.reflection(), type);
        }
    }
}
