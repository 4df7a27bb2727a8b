/** A count with its noun: "1 lock", "3 locks". */
export const plural = (count: number, one: string, more = `${one}s`): string => `${count} ${count === 1 ? one : more}`
