// The service's description for grpc-js, and how a kiosk shows its key.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const proto = join(dirname(fileURLToPath(import.meta.url)), "../../service/proto");
const description = loader.loadSync("praman/v1/praman.proto", {
  includeDirs: [proto], keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true,
});
export const { v1 } = grpc.loadPackageDefinition(description).praman;

// The header of KIOSK="Authorization: Bearer …".
export const kiosk = new grpc.Metadata();
kiosk.set("authorization", process.env.KIOSK.replace("Authorization: ", ""));
