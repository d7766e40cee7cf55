const harness = new URL('postgresjs-harness.mjs', import.meta.url).href;

export const resolve = (specifier, context, next) =>
  specifier === './test.js' && context.parentURL?.endsWith('/tests/index.js')
    ? { url: harness, shortCircuit: true }
    : next(specifier, context);
