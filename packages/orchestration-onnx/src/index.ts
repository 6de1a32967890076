export { createOnnxRuntime, type OnnxRuntimeOptions } from "./runtime.ts";
export { type ContainerRefusal, type NamedTensor, readTensors, writeTensors } from "./safetensors.ts";
