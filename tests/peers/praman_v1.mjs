// The service's description for grpc-js, and how a credential is shown by it.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const proto = join(dirname(fileURLToPath(import.meta.url)), "../../service/server/proto");
const description = loader.loadSync("praman/v1/praman.proto", {
  includeDirs: [proto], keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true,
});
export const { v1 } = grpc.loadPackageDefinition(description).praman;

// What shows a credential, from a header "Authorization: Bearer …".
export const showing = (header) => {
  const shown = new grpc.Metadata();
  shown.set("authorization", header.replace("Authorization: ", ""));
  return shown;
};
