// Proof that an audit record was taken. The class is exported as a type only, so nobody outside this folder can build one,
// and the private field makes look-alikes fail to compile.

class ReceiptOf {
  readonly seq: number;
  #proof = true;

  constructor(seq: number) {
    this.seq = seq;
  }

  static genuine(value: ReceiptOf): boolean {
    return #proof in value && value.#proof;
  }
}

export type Receipt = ReceiptOf;

/** For `audit/` only: the tidy test holds everybody else to the type. */
export function issueReceipt(seq: number): Receipt {
  return new ReceiptOf(seq);
}

/** A receipt forged past the compiler (a cast, a JSON copy) is no receipt. */
export function isGenuine(receipt: Receipt): boolean {
  return typeof receipt === 'object' && receipt !== null && ReceiptOf.genuine(receipt);
}
