// Opens a stream of requests for proofs, asks for nothing, and says when the service has ended it.
//
// KIOSK="Authorization: Bearer …" node idle.mjs ADDRESS
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const [address] = process.argv.slice(2);
const proto = join(dirname(fileURLToPath(import.meta.url)), "../../service/proto");
const description = loader.loadSync("praman/v1/praman.proto", { includeDirs: [proto], keepCase: true });
const { v1 } = grpc.loadPackageDefinition(description).praman;
const proving = new v1.Proving(address, grpc.credentials.createInsecure());
const kiosk = new grpc.Metadata();
kiosk.set("authorization", process.env.KIOSK.replace("Authorization: ", ""));
const stream = proving.ProveMany(kiosk);
stream.on("metadata", () => console.log("open"));
stream.on("data", () => console.log("a job that nobody asked for"));
stream.on("error", (error) => { console.log(`${error}`); process.exit(1); });
stream.on("end", () => { console.log("ended"); process.exit(0); });
