// Sends actions in their order, and keeps each until the server has acknowledged it: in this page,
// and in the browser's storage, so that a closed or crashed page loses nothing. An action has an id,
// so sending it twice is no second change.
const AT_ONCE = 50;
const PAUSES = [200, 500, 1000, 2000, 4000]; // milliseconds before a failed request is sent again

export class Queue {
  // `send(actions)` resolves to {results}, or rejects; an error with `final` is not tried again.
  constructor({ send, storage, key, taken, state, pauses = PAUSES }) {
    Object.assign(this, { send, storage, key, taken, state, pauses });
    this.waiting = [];
    this.failures = 0;
    this.running = false;
    this.stopped = false;
  }

  // Takes over what earlier pages could not send; a page that is still open sends it twice, which
  // does no harm.
  restore() {
    for (const name of Object.keys(this.storage).filter((name) => name.startsWith(this.key)).sort()) {
      try {
        this.waiting.push(JSON.parse(this.storage.getItem(name)));
      } catch {
        this.storage.removeItem(name);
      }
    }
    if (this.waiting.length) this.run();
  }

  push(action) {
    this.waiting.push(action);
    try {
      this.storage.setItem(this.name(action), JSON.stringify(action));
    } catch {
      // a full storage: the page itself still keeps the action
    }
    this.run();
  }

  name(action) {
    return `${this.key}${String(action.time).padStart(16, "0")}-${action.action}`;
  }

  files() {
    return new Set(this.waiting.flatMap((action) => (action.changes || []).map((change) => change.file)));
  }

  async run() {
    this.state(this);
    if (this.running || this.stopped) return;
    this.running = true;
    while (this.waiting.length && !this.stopped) {
      const person = this.waiting[0].who;
      const foreign = this.waiting.findIndex((action) => action.who !== person);
      const actions = this.waiting.slice(0, foreign < 0 ? AT_ONCE : Math.min(foreign, AT_ONCE));
      try {
        const answer = await this.send(actions);
        const found = new Set(answer.results.map((result) => result.action));
        this.waiting = this.waiting.filter((action) => !found.has(action.action));
        for (const action of actions) {
          if (found.has(action.action)) this.storage.removeItem(this.name(action));
        }
        this.failures = 0;
        this.taken(answer, actions);
      } catch (error) {
        if (error.final) this.stopped = error.message;
        else await new Promise((done) => setTimeout(done, this.pauses[Math.min(this.failures++, this.pauses.length - 1)]));
      }
      this.state(this);
    }
    this.running = false;
  }
}
