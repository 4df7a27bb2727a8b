/** The English texts of emails. Another language is another constant of the type `MailCopy`, added to `copyFor`. */

const items = (count: number) => (count === 1 ? '1 item' : `${count} items`)
const diagnose = (lockId: string) => `To see each step, run: holdfast diagnose --lock ${lockId}`

export const en = {
  /** BCP 47, for the `lang` attribute of the HTML part. */
  language: 'en',

  order: {
    eyebrow: (number: string) => `Order ${number}`,
    subtotal: 'Subtotal',
    discount: 'Discount',
    coupon: (code: string) => `Coupon ${code}`,
    shipping: 'Shipping',
    tax: 'Tax',
    taxIncluded: 'Tax (included)',
    total: 'Total',
    paid: 'Paid',
    refunded: 'Refunded',
    shippingAddress: 'Shipping address',
    billingAddress: 'Billing address',
  },

  /** Emails to the buyer. */
  buyer: {
    reason: (shopName: string) => `You are receiving this email because you placed an order at ${shopName}.`,
    note: 'Your note',
    viewOrder: 'View your order',

    confirmation: {
      subject: (number: string, shopName: string) => `Your order ${number} at ${shopName}`,
      preheader: (units: number, total: string) => `${items(units)}, ${total}. We have received your payment.`,
      title: (firstName: string) => (firstName === '' ? 'Thank you.' : `Thank you, ${firstName}.`),
      text: (placedAt: string) =>
        `We have received your payment and reserved your items. You placed this order on ${placedAt}.`,
    },

    awaiting: {
      title: (firstName: string) =>
        firstName === '' ? 'We have received your order.' : `We have received your order, ${firstName}.`,
      capture: {
        subject: (number: string, shopName: string) => `Your order ${number} at ${shopName} has been received`,
        preheader: (total: string) => `You have not been charged yet. ${total} is authorized.`,
        text: (total: string) =>
          `You have not been charged yet. Your payment of ${total} is authorized. We charge it when your items are ready, and then confirm your order.`,
      },
      transfer: {
        subject: (number: string, shopName: string, total: string) =>
          `Your order ${number} at ${shopName}: ${total} to pay by bank transfer`,
        preheader: (dueAt: string) => `Your items are reserved until ${dueAt}.`,
        text: (dueAt: string) =>
          `Your items are reserved until ${dueAt}. We confirm and send your order once we have received your transfer. If we do not receive it by then, your order is cancelled and you owe nothing.`,
        details: 'Bank transfer',
        amount: 'Amount',
        accountHolder: 'Recipient',
        iban: 'IBAN',
        reference: 'Reference',
        dueAt: 'Pay by',
        useReference: 'Include the reference in your transfer, so that we can match your payment to your order.',
        accountElsewhere: (shopName: string) => `Use the bank account that ${shopName} gave you.`,
      },
    },

    refund: {
      subject: (number: string, shopName: string) => `Refund for your order ${number} at ${shopName}`,
      title: (amount: string) => `We have refunded ${amount}.`,
      text: (isFull: boolean, refundedAt: string) =>
        `${isFull ? 'We refunded your order in full' : 'We refunded part of your order'} on ${refundedAt}. The money is returned to your original payment method. It can take a few days to appear on your account.`,
      quantity: (refunded: number, ordered: number) =>
        refunded === ordered ? `${refunded}` : `${refunded} of ${ordered}`,
      paid: 'You paid',
      refundedInTotal: 'Refunded in total',
      amount: 'This refund',
    },
  },

  /** Emails to the shop. */
  shop: {
    reason: (shopName: string) =>
      `You are receiving this email because ${shopName} sends order notifications to this address (CHECKOUT_NOTIFICATION_EMAIL).`,
    note: 'Note from the buyer',
    placedBy: (buyer: string | undefined, total: string) =>
      buyer === undefined ? `An order for ${total}.` : `${buyer} placed an order for ${total}.`,
    placedAt: 'Placed',
    email: 'Email',
    customer: 'Customer',
    checkout: 'Checkout',

    newOrder: {
      subject: (number: string, total: string) => `New order ${number}: ${total}`,
      preheader: (units: number, buyer: string | undefined) =>
        `${items(units)}${buyer === undefined ? '' : ` for ${buyer}`}, paid.`,
      eyebrow: (number: string) => `New order ${number}`,
    },

    awaiting: {
      eyebrow: (number: string) => `Order ${number}, not paid yet`,
      preheader: 'Its stock is reserved.',
      reference: 'Reference',
      capture: {
        subject: (number: string, total: string) => `Order ${number} awaits capture: ${total}`,
        text: 'The payment is authorized. Capture it when the goods are ready (holdfast capture). Otherwise the order is cancelled before the authorization expires.',
      },
      transfer: {
        subject: (number: string, total: string) => `Order ${number} awaits a bank transfer: ${total}`,
        text: (dueAt: string) =>
          `Record the buyer’s transfer when you receive it (holdfast paid). Without a transfer, the order is cancelled and its stock released on ${dueAt}.`,
      },
    },

    dispute: {
      subject: (number: string, status: string) => `Dispute about order ${number}: ${status}`,
      preheader: (amount: string, reason: string) => `The buyer disputes ${amount} with their bank: ${reason}.`,
      eyebrow: (number: string) => `Dispute about order ${number}`,
      title: (amount: string, status: string, needsResponse: boolean) =>
        needsResponse ? `${amount} is disputed.` : `Dispute about ${amount}: ${status}.`,
      text: (needsResponse: boolean) =>
        `${needsResponse ? 'The buyer disputes this payment with their bank. Respond in your payment provider’s dashboard before its deadline, or the dispute is lost.' : 'See your payment provider’s dashboard for the effect on the payment.'} The order and its stock are unchanged.`,
      status: 'Status',
      reason: 'Reason',
      dispute: 'Dispute',
      order: 'Order',
      orderSummary: (number: string, total: string, placedAt: string) => `${number}, ${total}, placed ${placedAt}`,
      reportedAt: 'Reported',
    },

    ended: {
      /** "payment_declined in payment_authorization" */
      kind: (code: string, phase: string | null) => (phase === null ? code : `${code} in ${phase}`),
      otherKinds: 'other reasons',
      lock: (lockId: string) => `Lock ${lockId}`,
      more: (count: number) => `And ${count} more.`,
    },
    failure: {
      subject: (count: number, kind: string) =>
        count === 1 ? `Checkout failed: ${kind}` : `${count} checkouts failed, mostly ${kind}`,
      preheaderOfMany: 'All were rolled back. Payments were voided or refunded.',
      eyebrow: (count: number) => (count === 1 ? 'Checkout failed' : 'Checkouts failed'),
      title: (count: number) => (count === 1 ? 'A checkout failed.' : `${count} checkouts failed.`),
      text: (count: number, lockId: string | undefined) =>
        `${count === 1 ? 'It was' : 'All were'} rolled back: stock is released, and any payment was voided or refunded. ${diagnose(count === 1 && lockId !== undefined ? lockId : 'ID')}`,
    },
    expiry: {
      subject: (count: number) => (count === 1 ? 'Checkout expired' : `${count} checkouts expired`),
      preheader: (count: number) =>
        count === 1
          ? 'The buyer did not finish in time and was not charged.'
          : 'The buyers did not finish in time and were not charged.',
      eyebrow: (count: number) => (count === 1 ? 'Checkout expired' : 'Checkouts expired'),
      title: (count: number) => (count === 1 ? 'A checkout expired.' : `${count} checkouts expired.`),
      text: (count: number) =>
        count === 1
          ? 'The buyer did not finish in time and was not charged. The stock is released, and the cart is unchanged.'
          : 'The buyers did not finish in time and were not charged. The stock is released, and the carts are unchanged.',
    },
    alert: {
      subject: (count: number, message: string) =>
        count === 1 ? `Action needed: ${message}` : `${count} alerts need action: ${message}`,
      eyebrow: (count: number) => (count === 1 ? 'Alert' : 'Alerts'),
      title: (count: number) => (count === 1 ? 'Action needed.' : `${count} alerts need action.`),
      text: 'A person must decide. Each alert is repeated once an hour while its cause lasts.',
      diagnose: (lockId: string) => `holdfast diagnose --lock ${lockId}`,
      more: (count: number) => `And ${count} more.`,
    },
  },
}

export type MailCopy = typeof en
