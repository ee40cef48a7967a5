// The official JavaScript SDK, as an app with a session token and as a server that passes a browser's cookies on.
// Started by ../test_javascript.py, which names the server in LIMEN_PUBLIC and LIMEN_ADMIN.

import assert from "node:assert/strict"
import { test } from "node:test"

import { Configuration, FrontendApi, IdentityApi } from "@ory/client"

const password = "correct-horse-battery-1"
const address = (name) => process.env[name].replace(/\/$/, "")
const front = new FrontendApi(new Configuration({ basePath: address("LIMEN_PUBLIC") }))
const admin = new IdentityApi(new Configuration({ basePath: address("LIMEN_ADMIN") }))

async function refused(call) {
  const error = await call.then(() => assert.fail("it was not refused"), (reason) => reason)
  assert.ok(error.response, error)
  return error.response
}

async function assertSignedOut(who) {
  assert.equal((await refused(front.toSession(who))).status, 401)
}

// --- an app ----------------------------------------------------------------------------------------------------------

async function appSignIn(email) {
  const { data: flow } = await front.createNativeLoginFlow()
  const body = { method: "password", identifier: email, password }
  const { data } = await front.updateLoginFlow({ flow: flow.id, updateLoginFlowBody: body })
  return data
}

test("an app", async () => {
  const traits = { email: "app@example.org", name: "Ann" }
  const { data: flow } = await front.createNativeRegistrationFlow()
  const body = { method: "password", password, traits }
  const { data: signedUp } = await front.updateRegistrationFlow({ flow: flow.id, updateRegistrationFlowBody: body })
  const mine = { xSessionToken: signedUp.session_token }
  const { data: me } = await front.toSession(mine)
  assert.deepEqual([me.active, me.identity.id, me.identity.traits], [true, signedUp.identity.id, traits])
  assert.deepEqual((await front.listMySessions(mine)).data, [])

  const phone = await appSignIn(traits.email)
  const tablet = await appSignIn(traits.email)
  const { data: listed } = await front.listMySessions(mine)
  assert.deepEqual(new Set(listed.map((one) => one.id)), new Set([phone.session.id, tablet.session.id]))
  await front.disableMySession({ id: phone.session.id, ...mine })
  await assertSignedOut({ xSessionToken: phone.session_token })
  await front.disableMyOtherSessions(mine)
  await assertSignedOut({ xSessionToken: tablet.session_token })

  await front.performNativeLogout({ performNativeLogoutBody: { session_token: signedUp.session_token } })
  await assertSignedOut(mine)
})

test("a refused form is a flow again", async () => {
  const { data: flow } = await front.createNativeLoginFlow()
  const body = { method: "password", identifier: "nobody@example.org", password: "wrong-password-1" }
  const { status, data: again } = await refused(front.updateLoginFlow({ flow: flow.id, updateLoginFlowBody: body }))
  assert.deepEqual([status, again.id, again.ui.messages.map((told) => told.id)], [400, flow.id, [4000006]])
})

// --- a server behind a browser ---------------------------------------------------------------------------------------

class Browser {
  #jar = new Map()

  get cookie() {
    return [...this.#jar].map(([name, value]) => `${name}=${value}`).join("; ")
  }

  has(name) {
    return this.#jar.has(name)
  }

  keep({ headers, data }) {
    for (const cookie of headers["set-cookie"] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)
      if (cookie.includes("Max-Age=0")) this.#jar.delete(name)
      else this.#jar.set(name, value)
    }
    return data
  }
}

const csrfOf = (flow) => flow.ui.nodes.find((node) => node.attributes.name === "csrf_token").attributes.value

async function browserSignIn(email) {
  const browser = new Browser()
  const flow = browser.keep(await front.createBrowserLoginFlow())
  const body = { method: "password", identifier: email, password, csrf_token: csrfOf(flow) }
  const sent = { flow: flow.id, updateLoginFlowBody: body, cookie: browser.cookie }
  browser.keep(await front.updateLoginFlow(sent))
  return browser
}

test("a browser", async () => {
  const traits = { email: "browser@example.org", name: "Ann" }
  const here = new Browser()
  const flow = here.keep(await front.createBrowserRegistrationFlow())
  assert.equal((await front.getRegistrationFlow({ id: flow.id, cookie: here.cookie })).data.id, flow.id)
  const body = { method: "password", password, traits, csrf_token: csrfOf(flow) }
  const sent = { flow: flow.id, updateRegistrationFlowBody: body, cookie: here.cookie }
  const signedUp = here.keep(await front.updateRegistrationFlow(sent))
  const { data: me } = await front.toSession({ cookie: here.cookie })
  assert.equal(me.identity.id, signedUp.identity.id)

  const elsewhere = await browserSignIn(traits.email)
  const third = await browserSignIn(traits.email)
  const { data: other } = await front.toSession({ cookie: elsewhere.cookie })
  const { data: listed } = await front.listMySessions({ cookie: here.cookie })
  assert.ok(listed.some((one) => one.id === other.id))
  await front.disableMySession({ id: other.id, cookie: here.cookie })
  await assertSignedOut({ cookie: elsewhere.cookie })
  await front.disableMyOtherSessions({ cookie: here.cookie })
  await assertSignedOut({ cookie: third.cookie })

  const { data: link } = await front.createBrowserLogoutFlow({ cookie: here.cookie })
  here.keep(await front.updateLogoutFlow({ token: link.logout_token, cookie: here.cookie }))
  assert.ok(!here.has("ory_kratos_session"))
  await assertSignedOut({ cookie: here.cookie })
})

// --- an operator's script --------------------------------------------------------------------------------------------

test("an operator's script", async () => {
  const traits = { email: "made@example.org", name: "Ann" }
  const credentials = { password: { config: { password } } }
  const { data: made } = await admin.createIdentity({ createIdentityBody: { schema_id: "default", traits, credentials } })
  assert.ok((await admin.listIdentities()).data.some((one) => one.id === made.id))
  const signedIn = await appSignIn(traits.email)
  const { data: sessions } = await admin.listIdentitySessions({ id: made.id })
  assert.deepEqual(sessions.map((one) => one.id), [signedIn.session.id])
  const patch = [{ op: "replace", path: "/traits/name", value: "Ann Example" }]
  const { data: patched } = await admin.patchIdentity({ id: made.id, jsonPatch: patch })
  assert.equal(patched.traits.name, "Ann Example")
  await admin.disableSession({ id: signedIn.session.id })
  await assertSignedOut({ xSessionToken: signedIn.session_token })
  await admin.deleteIdentity({ id: made.id })
  assert.equal((await refused(admin.getIdentity({ id: made.id }))).status, 404)
})
