/** A config of so many services that have nothing but a name: what the replicas and who asks agree on. */
export function crashConfig(services: number): object {
  return {
    slack: { channel: "ops", incidents: "incidents" },
    roles: { operator: { users: ["U0OLGA"] }, approver: { users: ["U0BEA"] } },
    services: Object.fromEntries(Array.from({ length: services }, (_, index) => [`s${index + 1}`, {}])),
  };
}
