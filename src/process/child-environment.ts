/**
 * What a process of ours is given of its starter's environment: what Node, the loader and the native runtime need to
 * run, by name. An application that searches holds secrets there that are nobody else's, and so do we: the passwords
 * of database, queue, dashboard and hub. An inference process reads files and texts, and has no use for any of them.
 */

/** A list of what may be handed on: of what may not there is none that is complete. */
const NEEDED = new RegExp(
  `^(?:${[
    'PATH|HOME|USER|LOGNAME|TMPDIR|TEMP|TMP|TZ|LANG|LANGUAGE|LC_\\w+|TERM|XDG_CACHE_HOME',
    'NODE_(?:OPTIONS|PATH|ENV|EXTRA_CA_CERTS|ICU_DATA|V8_COVERAGE|NO_WARNINGS|DISABLE_COLORS|COMPILE_CACHE)',
    'UV_\\w+|LD_\\w+|DYLD_\\w+|OMP_\\w+|MALLOC_\\w+|GLIBC_TUNABLES|TSX_\\w+|ESBUILD_BINARY_PATH',
    // Windows starts no process without some of these.
    'SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|APPDATA|LOCALAPPDATA|USERPROFILE|HOMEDRIVE|HOMEPATH|NUMBER_OF_PROCESSORS|PROCESSOR_\\w+',
  ].join('|')})$`,
  'i',
);

/**
 * The native runtime (onnxruntime-node, from 1.30 on) writes a device id and a database of events into the user's
 * cache folder and sends them to its maker, unless this is set when its first session is made. docs/security.md.
 */
export const NO_TELEMETRY = { ORT_DISABLE_TELEMETRY: '1' } as const;

export const childEnvironment = (own: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(own).filter(([name]) => NEEDED.test(name))),
  ...NO_TELEMETRY,
});
