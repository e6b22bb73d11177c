/** The native ONNX runtime. */

export type Runtime = typeof import('onnxruntime-node');

export async function loadRuntime(): Promise<Runtime> {
  const loaded = await import('onnxruntime-node');
  return (loaded as { default?: Runtime }).default ?? loaded;
}
