// What the parser's builds export and have no types for: a function that makes one instance of the module, in CommonJS.
declare module 'libpg-query-15/wasm/libpg-query.js' {
  const made: () => Promise<unknown>;
  export { made as default };
}
declare module 'libpg-query-16/wasm/libpg-query.js' {
  const made: () => Promise<unknown>;
  export { made as default };
}
declare module 'libpg-query-17/wasm/libpg-query.js' {
  const made: () => Promise<unknown>;
  export { made as default };
}
declare module 'libpg-query-18/wasm/libpg-query.js' {
  const made: () => Promise<unknown>;
  export { made as default };
}
