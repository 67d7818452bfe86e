// SPDX-License-Identifier: Apache-2.0
// An SD-JWT implementation that shares no code with ours (@sd-jwt/core), asked from tests/integration/sdjwt_test.py.
// Standard input: a JSON list of jobs. Standard output: what became of each. Signatures are node's own Ed25519.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// The packages are in the folder that the test names, not beside this file.
const require = createRequire(process.argv[2] + '/');
const { SDJwtInstance } = await import(pathToFileURL(require.resolve('@sd-jwt/core')).href);

const hasher = (data, alg) => {
  if (alg !== 'sha-256') throw new Error(`no hash ${alg}`);
  return new Uint8Array(createHash('sha256').update(typeof data === 'string' ? data : Buffer.from(data)).digest());
};
const signer = (jwk) => (data) => sign(null, Buffer.from(data), createPrivateKey({ key: jwk, format: 'jwk' })).toString('base64url');
const verifier = (jwk) => (data, signature) =>
  verify(null, Buffer.from(data), createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(signature, 'base64url'));

class Instance extends SDJwtInstance {
  type = 'example+sd-jwt';
}

const instance = (job) =>
  new Instance({
    hasher,
    hashAlg: 'sha-256',
    saltGenerator: (n) => randomBytes(n).toString('base64url'),
    signAlg: 'EdDSA',
    signer: job.secret && signer(job.secret),
    verifier: job.key && verifier(job.key),
    kbSignAlg: 'EdDSA',
    kbSigner: job.holder && signer(job.holder),
    kbVerifier: (data, signature, payload) => verifier(payload.cnf.jwk)(data, signature),
  });

const jobs = {
  async key() {
    const pair = generateKeyPairSync('ed25519');
    return { secret: pair.privateKey.export({ format: 'jwk' }), key: pair.publicKey.export({ format: 'jwk' }) };
  },
  async issue(job) {
    return { sdjwt: await instance(job).issue(job.claims, job.frame, job.header && { header: job.header }) };
  },
  async present(job) {
    return { sdjwt: await instance(job).present(job.sdjwt, job.frame, job.kb && { kb: { payload: job.kb } }) };
  },
  async verify(job) {
    const r = await instance(job).verify(job.sdjwt, job.nonce ? { keyBindingNonce: job.nonce } : undefined);
    return { claims: r.payload, header: r.header, kb: r.kb && r.kb.payload };
  },
};

const results = [];
for (const job of JSON.parse(readFileSync(0, 'utf8'))) {
  try {
    results.push({ ok: true, ...(await jobs[job.do](job)) });
  } catch (e) {
    results.push({ ok: false, error: String(e && e.message) });
  }
}
process.stdout.write(JSON.stringify(results));
