// A relying party on openid-client, which tests/it/other_clients drives: each line of standard input is
// an object whose `do` names a step, and is answered by a line, `{"ok": ...}` or `{"failed": ...}`.
// What is checked, openid-client checks; nothing is looked at here.

import { webcrypto } from 'node:crypto'
import dns from 'node:dns'
import { createInterface } from 'node:readline'

import * as jose from 'jose'
import * as oidc from 'openid-client'

// Node.js 18, which Debian 12 has, has it only under its module.
globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= webcrypto.CryptoKey

// Every name under localhost is this machine (RFC 6761 §6.3); nobody is asked.
dns.lookup = (_name, options, callback) =>
  options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4)

// What is known from one step to the next.
const kept = {}

const steps = {
  // Who this is, and of whom it asks: discovery (OpenID Connect Discovery 1.0, or RFC 8414).
  async discover({ issuer, client_id, method, secret, key, redirect_uri, algorithm, uses = [], metadata = {} }) {
    const signing = key && (await jose.importPKCS8(key, 'ES256'))
    const authentication = {
      client_secret_basic: () => oidc.ClientSecretBasic(secret),
      client_secret_post: () => oidc.ClientSecretPost(secret),
      private_key_jwt: () => oidc.PrivateKeyJwt(signing),
      none: () => oidc.None(),
    }[method]()
    const known = { redirect_uris: [redirect_uri], ...metadata }
    if (algorithm) {
      known.id_token_signed_response_alg = algorithm
      known.authorization_signed_response_alg = algorithm
    }
    const kind = uses.includes('rfc8414') ? 'oauth2' : 'oidc'
    const config = await oidc.discovery(new URL(issuer), client_id, known, authentication, { algorithm: kind })
    if (uses.includes('jarm')) oidc.useJwtResponseMode(config)
    const dpop = uses.includes('dpop')
      ? { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256')) }
      : undefined
    Object.assign(kept, { config, dpop, signing, uses, redirect_uri })
    return config.serverMetadata()
  },

  // The address to send the browser to: PKCE by S256, state and nonce, always all three.
  async begin({ parameters }) {
    const { config, dpop, signing, uses, redirect_uri } = kept
    kept.verifier = oidc.randomPKCECodeVerifier()
    kept.state = oidc.randomState()
    kept.nonce = oidc.randomNonce()
    let asked = {
      redirect_uri,
      code_challenge: await oidc.calculatePKCECodeChallenge(kept.verifier),
      code_challenge_method: 'S256',
      state: kept.state,
      nonce: kept.nonce,
      ...parameters,
    }
    if (uses.includes('jar')) {
      const url = await oidc.buildAuthorizationUrlWithJAR(config, asked, signing)
      if (!uses.includes('par')) return url.href
      asked = url.searchParams
    }
    if (uses.includes('par')) return (await oidc.buildAuthorizationUrlWithPAR(config, asked, dpop)).href
    return oidc.buildAuthorizationUrl(config, asked).href
  },

  // The browser is back: the answer is checked, the code is exchanged, the ID token is verified.
  async callback({ url }) {
    const { config, dpop, verifier, state, nonce } = kept
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
    return received(await oidc.authorizationCodeGrant(config, new URL(url), checks, undefined, dpop))
  },

  async user_info() {
    return oidc.fetchUserInfo(kept.config, kept.tokens.access_token, kept.claims.sub, kept.dpop)
  },

  // With a refresh token that was kept from before, or the newest.
  async refresh({ refresh_token = kept.tokens.refresh_token }) {
    return received(await oidc.refreshTokenGrant(kept.config, refresh_token, undefined, kept.dpop))
  },

  async revoke({ token }) {
    await oidc.tokenRevocation(kept.config, kept.tokens[token])
    return null
  },

  async introspect({ token }) {
    return oidc.tokenIntrospection(kept.config, kept.tokens[token])
  },

  async client_credentials({ parameters }) {
    return oidc.clientCredentialsGrant(kept.config, parameters, kept.dpop)
  },

  // Where to send the browser to be logged out (RP-Initiated Logout 1.0 §2).
  async end_session({ parameters }) {
    const asked = { id_token_hint: kept.id_token, ...parameters }
    return oidc.buildEndSessionUrl(kept.config, asked).href
  },

  // A logout token (Back-Channel Logout 1.0 §2.6). openid-client has no function for it: jose verifies.
  async logout_token({ token }) {
    const { jwks_uri, issuer } = kept.config.serverMetadata()
    const audience = kept.config.clientMetadata().client_id
    const keys = jose.createRemoteJWKSet(new URL(jwks_uri))
    const rules = { issuer, audience, typ: 'logout+jwt', requiredClaims: ['iat', 'exp', 'jti', 'events'] }
    return (await jose.jwtVerify(token, keys, rules)).payload
  },
}

function received(answer) {
  kept.tokens = { ...kept.tokens, ...answer }
  kept.id_token = answer.id_token ?? kept.id_token
  kept.claims = answer.claims() ?? kept.claims
  return { tokens: answer, claims: kept.claims }
}

// An error as the library tells it: of an error redirect, of a JSON body, or of its own.
function told(error) {
  const sent = error.cause instanceof URLSearchParams ? Object.fromEntries(error.cause) : error.cause
  const from = sent && typeof sent === 'object' && !(sent instanceof Error) ? sent : {}
  return { kind: error.name, message: error.message, cause: String(error.cause), ...from }
}

for await (const line of createInterface({ input: process.stdin })) {
  const step = JSON.parse(line)
  const answer = await steps[step.do](step).then((ok) => ({ ok }), (error) => ({ failed: told(error) }))
  console.log(JSON.stringify(answer))
}
