/** Computers and phones: articles of the sample table, written for this project. */

import type { ArticleText } from '../article.ts';

export const computers: readonly ArticleText[] = [
  {
    id: 901,
    title: 'A laptop that became slow',
    body: 'Close what starts by itself with the computer, free a tenth of the disk, and look at which program eats the memory. More RAM and a solid state drive make a machine of eight years feel new.',
  },
  {
    id: 902,
    title: 'Computer will not start',
    body: 'Hold the power button for twenty seconds, pull every plug but the mains, and try again. Fans that turn with a black screen point to memory or the graphics card; silence points to the power supply.',
  },
  {
    id: 903,
    title: 'Blue screen, what now?',
    body: 'Write down the code, take out what you plugged in last, and undo the newest driver. If it crashes without a pattern, test the memory overnight. Error 0x0000007E mostly names a faulty driver.',
  },
  {
    id: 904,
    title: 'Fan noise and heat',
    body: 'Dust blocks the cooler. Open the case, hold the fan still, and blow it out with canned air. A notebook on a blanket chokes; a book under the rear edge brings the temperature down.',
  },
  {
    id: 905,
    title: 'Replacing a hard disk with an SSD',
    body: 'Clone the old drive to the new one with a free tool, swap them, and start. Keep the old disk untouched for a month as a second copy. Everything opens in a blink.',
  },
  {
    id: 907,
    title: 'Backups in three sentences',
    body: 'Three copies, on two kinds of storage, one of them out of the house. Let a program do it every night, since nobody remembers. Restore a file now and then, for only then do you know that it works.',
  },
  {
    id: 908,
    title: 'Deleted photos by mistake',
    body: 'Stop using the card or the disk at once, because new files overwrite the old. Look into the bin and the cloud first, then use recovery software from another drive. Pictures vanished from a phone are often still in its trash for thirty days.',
  },
  {
    id: 909,
    title: 'Cloud storage or a drive at home',
    body: 'A service abroad survives fire and theft but wants a monthly fee; a box in the cupboard is fast and yours. Encrypt what is private before it leaves the house.',
  },
  {
    id: 910,
    title: 'Running out of disk space',
    body: 'Sort by size: old videos, phone backups and downloads fill most drives. Empty the bin, move films to an external disk, and uninstall games that you finished.',
  },
  {
    id: 912,
    title: 'Passwords that hold',
    body: 'A manager invents and remembers a different password for each site; you remember one long sentence. Change only those that were stolen. Length beats symbols.',
  },
  {
    id: 913,
    title: 'Two-step login',
    body: 'With a second factor a thief needs your phone as well as your password. An app or a key is better than text messages. Print the recovery codes and put them with your birth certificate.',
  },
  {
    id: 914,
    title: 'Is this mail a fake?',
    body: "Phishing threatens, hurries, and links to an address that is almost right. Do not click: type the bank's name yourself. Attachments you did not expect stay closed, even from friends.",
  },
  {
    id: 915,
    title: 'I clicked on a phishing link',
    body: 'Disconnect, change the password from another device, and call the bank if you typed card details. Watch your statements for months. Tell the colleagues; the next one got the same message.',
  },
  {
    id: 916,
    title: 'Virus or not?',
    body: 'Pop-ups that shout about infections are the infection. Real malware is quiet. Scan with what the system brings, remove add-ons that you do not know, and reinstall if in doubt.',
  },
  {
    id: 918,
    title: 'Weak Wi-Fi upstairs',
    body: 'Put the router high, in the middle of the flat and away from the microwave. Concrete and underfloor heating swallow the signal. A second access point on a cable beats every repeater.',
  },
  {
    id: 919,
    title: 'Internet drops every evening',
    body: 'Note the times, test with a cable, and restart the router. If the wired line fails too, the provider is to blame: send them the log. Neighbours on the same radio channel cause only wireless gaps.',
  },
  {
    id: 920,
    title: 'Choosing a router',
    body: 'Buy for the number of devices and the size of the home, not for the figure on the box. Updates for five years matter more than antennas. Change the name and password on the first evening.',
  },
  {
    id: 921,
    title: 'Guests on your wireless network',
    body: 'Switch on the guest network: visitors surf, yet cannot see your printer or your files. Lamps and cameras that phone home belong there too.',
  },
  {
    id: 923,
    title: 'Phone battery dies by noon',
    body: 'The screen is the greatest eater, followed by apps that look for your position all day. Lower the brightness and check the list in the settings. After five hundred charges a cell holds four fifths; a new one costs less than a new phone.',
  },
  {
    id: 924,
    title: 'Charging habits',
    body: 'Lithium cells like to be between a fifth and four fifths full, and cool. Charging overnight does little harm with the limit switched on. Heat on the dashboard ages a battery more than anything.',
  },
  {
    id: 925,
    title: 'A phone that fell into water',
    body: 'Switch it off, dry it with a cloth, and leave it open in moving air for two days. Rice only adds dust. Do not charge it before that, as current and water eat the contacts.',
  },
  {
    id: 926,
    title: 'Cracked screen',
    body: 'A film holds the splinters until the repair. Ask for the price with an original display, make a backup, and remove the lock code. Below half the price of the phone, mending pays.',
  },
  {
    id: 927,
    title: 'Moving to a new mobile',
    body: 'Update both devices, lay them side by side, and let the assistant copy contacts, pictures and messages. Move the banking app by its own method before you wipe the old handset.',
  },
  {
    id: 929,
    title: 'Printer offline again',
    body: "Turn printer and computer off, then on in that order. Delete the queue, check that both are in the same wireless network, and give the printer a fixed address. Drivers from the maker's site beat those from the disc.",
  },
  {
    id: 930,
    title: 'Keyboard shortcuts worth learning',
    body: 'Copy, paste and undo are known; search on the page, switch window and reopen a closed tab save more. Learn one a week.',
  },
  {
    id: 931,
    title: 'Update or wait?',
    body: 'Security updates the same day, large new versions after a month. Read whether your printer still works, make a backup, and plug in the mains.',
  },
  {
    id: 932,
    title: 'Error E-2047 on the home media player',
    body: 'The box shows E-2047 when its certificate has run out. Set date and time by hand, restart, and install firmware 3.1 or later from a USB stick.',
  },
  {
    id: 933,
    title: 'Backup plan, unfinished',
    body: 'To do: say which program makes the nightly backup, and how to restore a disk from the cloud.',
    status: 'draft',
  },
];
